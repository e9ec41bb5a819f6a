"""An agreement in plain words: complete sentences made from its fields."""

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.agencies.models import Agency
from apps.cameras.models import District, Purpose
from apps.linked_services.services import ALL
from apps.mous.models import LegalGround, MediaKind, Mou
from apps.mous.terms import NOT_TO_BE_PASSED_ON

NOT_IN_FORCE = {
    "mou_draft": lambda: _("It is a draft and opens nothing."),
    "mou_reviewed": lambda: _("It is reviewed, waits for the signatures of both parties and opens nothing."),
    "mou_suspended": lambda: _("It is suspended: everything it opened is closed."),
    "mou_revoked": lambda: _("It has been revoked and opens nothing any more."),
    "mou_superseded": lambda: _("A new version has taken its place; this one opens nothing any more."),
    "mou_not_begun": lambda: _("It is signed and not yet in force."),
    "mou_expired": lambda: _("Its period is over and it opens nothing any more."),
}


def explain(mou: Mou) -> list[str]:
    """The agreement as a person would tell it, a sentence per rule."""
    return [
        _standing(mou),
        _when(mou),
        _where(mou),
        *_which(mou),
        _what(mou),
        _how_long(mou),
        _("The legal ground is: %(ground)s. The purpose is: %(purpose)s.")
        % {"ground": LegalGround(mou.legal_ground).label, "purpose": mou.purpose.rstrip(".")},
        _(NOT_TO_BE_PASSED_ON),
    ]


def _day(at) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"


def _standing(mou: Mou) -> str:
    code = mou.why_not_in_force(timezone.now())
    words = {"agency": mou.agency.name, "from": _day(mou.starts_at), "until": _day(mou.ends_at)}
    period = _("This agreement with %(agency)s is made for the time from %(from)s until %(until)s.") % words
    now = NOT_IN_FORCE[code]() if code else _("It is in force now.")
    return f"{period} {now}"


def _when(mou: Mou) -> str:
    services = ", ".join(str(ALL[code].name) for code in mou.services if code in ALL)
    if not mou.incident_types:
        return _("It opens cameras when a call of any type comes in through: %(services)s.") % {"services": services}
    names = {code: name for service in ALL.values() for code, name in service.types.items()}
    types = ", ".join(str(names.get(code, code)) for code in mou.incident_types)
    words = {"services": services, "types": types}
    return _("It opens cameras when a call comes in through: %(services)s. Only these types count: %(types)s.") % words


def _where(mou: Mou) -> str:
    if mou.area is None:
        return _("It holds in the whole city.")
    districts = ", ".join(str(district) for district in District.objects.filter(code__in=mou.districts))
    if districts and mou.drawn:
        return _("It holds in %(districts)s and in an area drawn on the map.") % {"districts": districts}
    if districts:
        return _("It holds in %(districts)s only.") % {"districts": districts}
    return _("It holds in an area drawn on the map only.")


def _which(mou: Mou) -> list[str]:
    rings = {"n": mou.max_cameras, "inner": mou.radius_m, "outer": mou.outer_radius_m}
    sentences = [
        ngettext(
            "For each call it opens at most one camera: within %(inner)s m of the place, or within %(outer)s m on "
            "the way of escape. A camera that sees the place comes before a nearer one that does not.",
            "For each call it opens at most %(n)s cameras: within %(inner)s m of the place, and within %(outer)s m "
            "on the way of escape. Cameras that see the place come before nearer ones that do not.",
            mou.max_cameras,
        )
        % rings
    ]
    purposes = dict(Purpose.choices)
    if mou.purposes:
        words = ", ".join(str(purposes[code]) for code in mou.purposes)
        sentences.append(_("Only cameras for these purposes are opened: %(purposes)s.") % {"purposes": words})
    if mou.excluded_purposes:
        words = ", ".join(str(purposes[code]) for code in mou.excluded_purposes)
        sentences.append(_("Cameras for these purposes are never opened: %(purposes)s.") % {"purposes": words})
    if mou.only_owners:
        words = ", ".join(str(owner) for owner in Agency.objects.filter(pk__in=mou.only_owners))
        sentences.append(_("Only cameras of these owners are opened: %(owners)s.") % {"owners": words})
    if left_out := ", ".join(str(owner) for owner in mou.excluded_owners.all()):
        sentences.append(_("Cameras of these owners are never opened: %(owners)s.") % {"owners": left_out})
    return sentences


def _what(mou: Mou) -> str:
    kinds = dict(MediaKind.choices)
    words = {
        "given": ", ".join(str(kinds[kind]) for kind in mou.kinds),
        "kept": ", ".join(str(label) for kind, label in kinds.items() if kind not in mou.kinds),
    }
    if not words["kept"]:
        return _("The agency is given: %(given)s. Sound is never recorded.") % words
    return _("The agency is given: %(given)s. It is not given: %(kept)s. Sound is never recorded.") % words


def _how_long(mou: Mou) -> str:
    words = {
        "back": mou.lookback_min,
        "ahead": mou.lookahead_min,
        "open": mou.open_hours,
        "report": mou.report_hours,
    }
    live = _("Live video ends the moment the incident is closed, and after %(open)s hours at the latest.") % words
    if MediaKind.RECORDED not in mou.kinds:
        return live
    recorded = _(
        "Recorded video reaches from %(back)s minutes before the call to %(ahead)s minutes after it, and can be "
        "seen for another %(report)s hours after the incident is closed."
    )
    return f"{live} {recorded % words}"
