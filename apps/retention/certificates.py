"""What a certificate of destruction says, on the page and on paper; and the recipient's own confirmation."""

from datetime import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.retention.models import Certificate
from apps.viewing.models import ProvidedCopy
from apps.viewing.sheets import Sheet


def facts_of(certificate: Certificate) -> list[tuple[str, str]]:
    """Labels and texts, in the order of the form; a text may have several lines."""
    fingerprint = certificate.sha256
    if certificate.hold:
        fingerprint += "\n" + _("of the list of the files’ fingerprints, in order of time")
    return [
        (_("What was destroyed"), certificate.what),
        (_("Camera"), f"{certificate.camera.number}\n{certificate.camera.site}"),
        (_("Recorded"), _period(certificate.period_from, certificate.period_until)),
        (_("Files"), str(certificate.files)),
        (_("Fingerprint (SHA-256)"), fingerprint),
        *(_of_copy(certificate.copy) if certificate.copy else _of_hold(certificate.hold)),
        (_("Method"), str(certificate.get_method_display())),
        (_("Destroyed"), f"{_clock(certificate.destroyed_at)} ({settings.TIME_ZONE})"),
        (_("By"), certificate.by),
    ]


def _of_copy(copy: ProvidedCopy) -> list[tuple[str, str]]:
    return [
        (_("Provided to"), f"{copy.agency.name}\n{copy.requested_by}"),
        (_("Provision and register line"), f"{copy.provision.number}, {copy.ledger_number}"),
    ]


def _of_hold(hold) -> list[tuple[str, str]]:
    ground = f"{hold.get_legal_ground_display()}\n{hold.document_number} – {hold.reason}"
    facts = [(_("Held for"), f"{hold.agency.name}, {hold.owner}"), (_("Legal ground and document"), ground)]
    return [*facts, (_("Reason of the release"), hold.release_reason)] if hold.release_reason else facts


def sheet_of(certificate: Certificate) -> Sheet:
    return Sheet(
        title=_("Certificate of destruction of personal video information"),
        number=certificate.number,
        facts=facts_of(certificate),
        statement=statement(),
        at=certificate.destroyed_at,
    )


def statement() -> str:
    return _(
        "It is confirmed that the video named above was destroyed so that it cannot be recovered (Personal "
        "Information Protection Act, Article 21)."
    )


def confirmation_of(copy: ProvidedCopy) -> Sheet:
    """The recipient's own: what it took of a copy is gone, as it told the centre."""
    clip = copy.clip
    return Sheet(
        title=_("Confirmation of destruction by the recipient"),
        number=f"R{copy.confirmed_at:%Y}-{copy.pk:06d}",
        facts=[
            (_("Camera"), f"{clip.camera.number}\n{clip.camera.site}"),
            (_("Recorded"), _period(clip.starts_at, clip.ends_at)),
            (_("Fingerprint (SHA-256)"), clip.sha256 or "–"),
            *_of_copy(copy),
            (_("Purpose"), copy.provision.purpose),
            (_("Taken"), _clock(copy.taken_at) if copy.taken_at else "–"),
            (_("To be destroyed by"), _clock(copy.destroy_by) if copy.destroy_by else "–"),
            (_("Destruction confirmed"), f"{_clock(copy.confirmed_at)} ({settings.TIME_ZONE})"),
            (_("Confirmed by"), f"{copy.agency.name}, {copy.confirmed_by}"),
        ],
        statement=_(
            "The recipient confirms that the video named above, and every copy made of it, was destroyed so that it "
            "cannot be recovered, and was not passed on (Personal Information Protection Act, Articles 19 and 21)."
        ),
        at=copy.confirmed_at,
        signer=copy.agency.name,
    )


def _period(start: datetime, end: datetime) -> str:
    return f"{_clock(start)} – {_clock(end)} ({settings.TIME_ZONE})"


def _clock(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}"
