"""Is this file a clip that the centre made, as it made it?"""

import hashlib
import mmap
import re
from dataclasses import dataclass, field
from pathlib import Path

from apps.video import signing
from apps.video.models import Clip

UNTOUCHED, CHANGED, UNKNOWN = "untouched", "changed", "unknown"
# A clip's number stands in the file as a comment, so that a changed one is still known for what it was.
NUMBER = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
LOOKED_AT = 256 * 1024


@dataclass(frozen=True)
class Finding:
    verdict: str
    manifest: dict = field(default_factory=dict)


def verify(file: Path) -> Finding:
    """By the file alone: the same bytes and a manifest with our signature, or not."""
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    clip = Clip.objects.filter(sha256=digest).first()
    if clip and clip.manifest.get("sha256") == digest and signing.is_ours(clip.manifest):
        return Finding(UNTOUCHED, clip.manifest)
    clip = clip or _named_in(file)
    return Finding(CHANGED, clip.manifest) if clip and clip.manifest else Finding(UNKNOWN)


def _named_in(file: Path) -> Clip | None:
    """The clip whose number the file carries, at its head or its tail."""
    if not file.stat().st_size:
        return None
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        ends = (data[:LOOKED_AT], data[-LOOKED_AT:])
    numbers = {match.decode() for end in ends for match in NUMBER.findall(end)}
    return Clip.objects.filter(pk__in=numbers).first()
