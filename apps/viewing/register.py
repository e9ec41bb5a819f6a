"""The personal video information register as the law's form: chosen lines, in its columns, for reading and export."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.agencies.models import Agency
from apps.incidents.models import Incident
from apps.mous.models import LedgerEntry, LegalGround, MediaKind, UseResult
from apps.viewing.models import ProvidedCopy

MANNERS = {"stream": gettext_lazy("Video stream"), "file": gettext_lazy("File")}


@dataclass(frozen=True)
class Extract:
    """Which lines: whole days in the city's zone, `last` among them; one agency or all; refusals or not."""

    first: date
    last: date
    agency: Agency | None = None
    refusals: bool = False

    def lines(self) -> QuerySet[LedgerEntry]:
        """In the order of their numbers, each with its provision, result and copies at hand."""
        found = LedgerEntry.objects.filter(at__gte=midnight(self.first), at__lt=midnight(self.last + timedelta(days=1)))
        if self.agency:
            found = found.filter(agency=self.agency)
        if not self.refusals:
            found = found.exclude(kind=LedgerEntry.Kind.REFUSE)
        exercises = Incident.objects.filter(number=OuterRef("incident_number"), is_exercise=True)
        copies = Prefetch("provision__copies", ProvidedCopy.objects.all())
        found = found.annotate(is_exercise=Exists(exercises)).select_related("agency", "provision__result")
        return found.prefetch_related(copies).order_by("number")


def midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


# --- what stands in a column ----------------------------------------------------------


def clock(at: datetime | None) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}" if at else ""


def file_and_form(line: LedgerEntry) -> str:
    kinds = dict(MediaKind.choices)
    form = ", ".join(str(kinds.get(kind, kind)) for kind in line.form.split(", ") if kind)
    return " / ".join(part for part in (line.file_name, form, ", ".join(line.cameras)) if part)


def purpose(line: LedgerEntry) -> str:
    """What is provided in an exercise is drawn, and shows nobody: in the register it is told apart."""
    mark = _("Exercise")
    return f"[{mark}] {line.purpose}" if line.is_exercise else line.purpose


def ground(line: LedgerEntry) -> str:
    return str(dict(LegalGround.choices).get(line.ground, line.ground))


def period(line: LedgerEntry) -> str:
    return f"{clock(line.period_from)} ~ {clock(line.period_until)}" if line.period_from or line.period_until else ""


def copy_of(line: LedgerEntry) -> ProvidedCopy | None:
    """The copy that this line is about, if it gave one out."""
    copies = line.provision.copies.all() if line.provision else ()
    return next((copy for copy in copies if copy.ledger_number == line.pk), None)


def of_copy(tell: Callable[[ProvidedCopy], str]) -> Callable[[LedgerEntry], str]:
    return lambda line: tell(copy) if (copy := copy_of(line)) else ""


def destruction(copy: ProvidedCopy) -> str:
    if copy.confirmed_at:
        return _("Destroyed, confirmed by the recipient")
    return _("Destroyed at the centre") if copy.destroyed_at else _("In use")


def measures(copy: ProvidedCopy) -> str:
    """What is known of the measures: the recipient says that it destroyed what it took, by the day or late."""
    if copy.confirmed_at is None:
        return _("Not confirmed yet") if copy.taken_at else _("Not taken")
    late = copy.destroy_by and copy.confirmed_at > copy.destroy_by
    return _("Confirmed after the day") if late else _("Confirmed by the day")


def arrest(copy: ProvidedCopy, line: LedgerEntry) -> str:
    result = getattr(line.provision, "result", None)
    if result is None:
        return _("Not reported")
    return _("Yes") if result.outcome == UseResult.Outcome.ARREST else _("No")


@dataclass(frozen=True)
class Column:
    """`share` of the page's width; the text that stands there for a line."""

    heading: object
    share: float
    text: Callable[[LedgerEntry], str]


# The columns of the form of the Standard Guideline on Personal Information Protection, in its order.
LAW = [
    Column(gettext_lazy("Number"), 3, lambda line: str(line.number)),
    Column(gettext_lazy("Kind"), 6, lambda line: str(line.get_kind_display())),
    Column(gettext_lazy("Date and time"), 8, lambda line: clock(line.at)),
    Column(gettext_lazy("File name / form"), 14, file_and_form),
    Column(gettext_lazy("Officer in charge"), 10, lambda line: line.officer),
    Column(gettext_lazy("Purpose / reason"), 14, purpose),
    Column(gettext_lazy("Third party used by or provided to / requester"), 11, lambda line: line.third_party),
    Column(gettext_lazy("Ground of use or provision"), 12, ground),
    Column(gettext_lazy("Form of use or provision"), 7, lambda line: str(MANNERS.get(line.manner, line.manner))),
    Column(gettext_lazy("Period"), 15, period),
]
# What the guideline adds where a file left the centre.
EXPORTED = [
    Column(gettext_lazy("Recipient’s agency"), 9, of_copy(lambda copy: copy.agency.name)),
    Column(gettext_lazy("Recipient (rank, name)"), 9, of_copy(lambda copy: copy.requested_by)),
    Column(gettext_lazy("Document number"), 8, lambda line: line.provision.document_number if line.provision else ""),
    Column(gettext_lazy("Destruction planned"), 8, of_copy(lambda copy: clock(copy.destroy_by))),
    Column(gettext_lazy("Result of destruction"), 8, of_copy(destruction)),
    Column(gettext_lazy("Date of destruction"), 8, of_copy(lambda copy: clock(copy.confirmed_at or copy.destroyed_at))),
    Column(
        gettext_lazy("Measures asked for"), 9, of_copy(lambda copy: _("Limit use, keep safe, destroy, do not pass on"))
    ),
    Column(gettext_lazy("Result of the measures"), 7, of_copy(measures)),
    Column(gettext_lazy("Arrest"), 5, lambda line: arrest(copy, line) if (copy := copy_of(line)) else ""),
]
COLUMNS = [*LAW, *EXPORTED]
# In print they have a table of their own, which names the line and the file.
OF_FILES = [*LAW[:1], LAW[3], *EXPORTED]
