"""Is this file a clip that the centre made, as it made it?"""

import uuid
from dataclasses import dataclass, field
from pathlib import Path

from apps.video import signing
from apps.video.models import Clip
from apps.video.seal import Evidence, Reading

UNTOUCHED, CHANGED, UNKNOWN = "untouched", "changed", "unknown"
BLOCK = 1 << 20
# What the centre tells a stranger who holds the file: of the recording, never of a person, an agency or a case.
# fmt: off
PUBLIC = ("clip", "kind", "camera", "from", "to", "from_local", "to_local", "time_zone", "first_picture",
          "made_at", "made_at_local", "ledger_number", "gaps", "sources", "key")
# fmt: on


@dataclass(frozen=True)
class Finding:
    """`manifest` is the signed document that the verdict rests on, if there is one."""

    verdict: str
    clip: str = ""
    manifest: dict = field(default_factory=dict)
    # Its key became known to strangers later; the register vouches for the file all the same.
    key_disowned: bool = False

    def public(self) -> dict:
        """What anybody may be told. Of a changed file only its number: whoever asks need not have held the clip."""
        told = {"verdict": self.verdict}
        if self.verdict == UNTOUCHED:
            told |= {name: self.manifest[name] for name in PUBLIC if name in self.manifest}
            told["key_disowned"] = self.key_disowned
        elif self.verdict == CHANGED:
            told["clip"] = self.clip
        return told


def verify(file: Path) -> Finding:
    """By the file alone, whatever its name and wherever it has been."""
    reading = Reading()
    with file.open("rb") as opened:
        while block := opened.read(BLOCK):
            reading.feed(block)
    return judge(reading.finish())


def judge(evidence: Evidence) -> Finding:
    """The register first: it knows every clip's fingerprint. Where it has no line, the seal speaks for itself."""
    return _by_register(evidence) or _by_seal(evidence) or _by_number(evidence)


def _by_register(evidence: Evidence) -> Finding | None:
    for clip in Clip.objects.filter(sha256=evidence.sha256):
        manifest = clip.manifest
        key = signing.signer(manifest)
        if key and manifest.get("sha256") == evidence.sha256:
            return Finding(UNTOUCHED, str(clip.pk), manifest, key.compromised_at is not None)
        return Finding(CHANGED, str(clip.pk))
    return None


def _by_seal(evidence: Evidence) -> Finding | None:
    key = signing.signer(evidence.seal)
    if key is None:
        return None
    number = str(evidence.seal.get("clip", ""))
    is_whole = evidence.content and evidence.content == evidence.seal.get("content", {}).get("sha256")
    # A file that the register knows under other bytes is not what was made; nor does a key vouch that others know.
    if is_whole and not key.compromised_at and _known(number) is None:
        return Finding(UNTOUCHED, number, evidence.seal)
    if key.compromised_at and _known(number) is None:
        return None
    return Finding(CHANGED, number)


def _by_number(evidence: Evidence) -> Finding:
    named = [number for number in (evidence.seal.get("clip"), *evidence.numbers) if number]
    clip = next(filter(None, map(_known, named)), None)
    return Finding(CHANGED, str(clip.pk)) if clip else Finding(UNKNOWN)


def _known(number: object) -> Clip | None:
    """The finished clip of that number; anything may be asked for."""
    try:
        return Clip.objects.exclude(sha256="").filter(pk=uuid.UUID(str(number))).first()
    except ValueError:
        return None
