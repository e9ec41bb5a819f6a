import re
from datetime import datetime

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from apps.audit.words import VERBS
from apps.incidents.states import State
from apps.linked_services.services import ALL
from apps.mous.models import MediaKind
from apps.retention.low_disk import kept_days

register = template.Library()

STATUS_WORDS = {
    "off": _("Off"),
    "standby": _("Standing by"),
    "normal": _("Normal"),
    "caution": _("Caution"),
    "serious": _("Serious"),
    "critical": _("Critical"),
}
# What stands in a browser's own line; the first that fits, since most also name those they descend from.
BROWSERS = (
    ("Edg", "Edge"),
    ("Whale/", "Whale"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)
POINTS = [
    _("north"),
    _("north-east"),
    _("east"),
    _("south-east"),
    _("south"),
    _("south-west"),
    _("west"),
    _("north-west"),
]
# Most of what happens is told in the words of the audit.
EVENT_WORDS = VERBS | {
    "incident.opened": _("Call received"),
    "incident.bookmarked": _("Moment marked"),
    "incident.unmarked": _("Mark taken back"),
    "provision.opened": _("Provided by hand"),
    "provision.urgent": _("Break-glass: provided on the urgent ground"),
    "camera.alarm": _("Camera alarm"),
    "camera.alarm_over": _("Camera alarm is over"),
    "disk.purged_early": _("Recordings purged before their time: the disk is full"),
}

WHOLE_DATE = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d)?")
MARKS = {
    "incident.bookmarked": _("Marked at {moment} on {camera}"),
    "incident.unmarked": _("Mark at {moment} on {camera} taken back"),
}


@register.simple_tag
def status(name: str, words: str = ""):
    """The shape and colour of a status. `words` replaces its name for those who hear the page."""
    return format_html(
        '<svg class="status status-{}" role="img" aria-label="{}"><use href="{}#{}"/></svg>',
        name,
        words or STATUS_WORDS[name],
        static("img/status.svg"),
        name,
    )


@register.simple_tag
def exercise(incident):
    """A mark beside what is of an exercise; nothing beside what is real, or of no incident."""
    if not (incident and incident.is_exercise):
        return ""
    return format_html('<span class="exercise-tag">{}</span>', _("Exercise"))


@register.simple_tag
def icon(name: str, css: str = "icon"):
    """A drawing beside words that say the same."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>', css, static("img/icons.svg"), name
    )


@register.filter
def queue_status(incident) -> str:
    """What an incident asks of the operator: an urgent call that nobody has taken is critical."""
    if not incident.is_open:
        return "off"
    if incident.state == "reported":
        return "critical" if incident.grade == "urgent" else "caution"
    return "standby" if incident.state == "resolved" else "normal"


@register.filter
def type_name(incident) -> str:
    service = ALL.get(incident.service)
    return service.types.get(incident.type, incident.type) if service else incident.type


@register.filter
def service_name(code: str) -> str:
    return ALL[code].name if code in ALL else code


@register.filter
def service_mark(code: str) -> str:
    """The first word of a service's name, which is all that a row has room for."""
    return str(service_name(code)).split()[0]


@register.filter
def kind_names(kinds) -> str:
    return ", ".join(str(MediaKind(kind).label) for kind in kinds)


@register.filter
def days_left_of_early_purge(camera) -> int | None:
    """How many whole days of a camera's recordings there are, if that is fewer than there should be."""
    days = kept_days(camera)
    return None if days is None else int(days)


@register.filter
def browser_name(agent: str) -> str:
    """A browser in words, from what it calls itself; as it calls itself where that is all there is."""
    browser, system = (next((name for mark, name in marks if mark in agent), "") for marks in (BROWSERS, SYSTEMS))
    return ", ".join(filter(None, (browser, system))) or agent


@register.filter
def stretch(seconds: int) -> str:
    """A length of time in its largest whole unit."""
    for length, words in ((86_400, _("{n} d")), (3_600, _("{n} h")), (60, _("{n} min"))):
        if seconds >= length:
            return words.format(n=seconds // length)
    return _("{n} s").format(n=seconds)


@register.filter
def whole_dates(text: str) -> str:
    """Sentences whose dates and times are not broken at the end of a line."""
    whole = WHOLE_DATE.sub(r'<span class="when">\g<0></span>', conditional_escape(text))
    return mark_safe(whole)  # noqa: S308 escaped the line before


@register.filter
def moment(text: str) -> datetime | None:
    """A time as JSON has it."""
    return parse_datetime(text)


@register.filter
def kind_name(kind: str) -> str:
    return str(MediaKind(kind).label)


@register.filter
def compass(degrees) -> str:
    """The direction of a bearing in words."""
    return POINTS[round(degrees / 45) % 8] if degrees is not None else ""


@register.filter
def event_words(event) -> str:
    """A line of the incident's log."""
    if event.kind == "incident.advanced":
        return State(event.detail["after"]).label
    if event.kind in MARKS:
        moment = timezone.localtime(datetime.fromisoformat(event.detail["moment"]))
        return MARKS[event.kind].format(moment=f"{moment:%H:%M:%S}", camera=event.detail["camera"])
    return EVENT_WORDS.get(event.kind, event.kind)
