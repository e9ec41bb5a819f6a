"""What came of provision, as the agencies tell it: how much was opened, answered for, and of use.

The hit rate is what helped, led to an arrest or a rescue, of what was answered for. What nobody has answered for is
shown beside it and not guessed at. Exercises are left out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby

from django.db.models import Count, Q
from django.db.models.functions import TruncMonth
from django.utils import timezone

from apps.agencies.models import Agency
from apps.mous.models import Provision, UseResult

HITS = (UseResult.Outcome.HELPED, UseResult.Outcome.ARREST, UseResult.Outcome.RESCUED)


@dataclass(frozen=True)
class Line:
    """Provisions counted together. `service` and `type` are empty where there was no incident; `month` is 2026-11."""

    agency: Agency
    service: str
    type: str
    month: str
    opened: int
    outcomes: dict[str, int] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        return sum(self.outcomes.values())

    @property
    def unanswered(self) -> int:
        return self.opened - self.answered

    @property
    def told(self) -> list[tuple[str, int]]:
        return [(UseResult.Outcome(name).label, n) for name, n in self.outcomes.items()]

    @property
    def percent(self) -> int | None:
        """The hit rate; None while nothing is answered for."""
        hits = sum(self.outcomes[outcome] for outcome in HITS)
        return round(100 * hits / self.answered) if self.answered else None


def lines(first: date, last: date, agencies: Iterable[int] | None = None) -> list[Line]:
    """What was opened on these days of the city, `last` among them; of some agencies (ids) or of all."""
    zone = timezone.get_current_timezone()
    opened = Provision.objects.opened_within(first, last + timedelta(days=1))
    if agencies is not None:
        opened = opened.of_agencies(list(agencies))
    outcomes = {name: Count("pk", filter=Q(result__outcome=name)) for name in UseResult.Outcome.values}
    counted = (
        opened.values("agency", "service", "incident__type", month=TruncMonth("starts_at", tzinfo=zone))
        .annotate(opened=Count("pk"), **outcomes)
        .order_by("agency__code", "service", "incident__type", "month")
    )
    named = Agency.objects.in_bulk({row["agency"] for row in counted})
    return [_line(row, named[row["agency"]]) for row in counted]


def _line(row: dict, agency: Agency) -> Line:
    outcomes = {name: row[name] for name in UseResult.Outcome.values}
    return Line(agency, row["service"], row["incident__type"] or "", f"{row['month']:%Y-%m}", row["opened"], outcomes)


def together(counted: Iterable[Line], by: Callable[[Line], tuple]) -> list[Line]:
    """The lines that agree in `by` as one each; what else it says is said by the first of them."""
    return [_sum(list(alike)) for _key, alike in groupby(sorted(counted, key=by), key=by)]


def _sum(alike: list[Line]) -> Line:
    first = alike[0]
    outcomes = {name: sum(line.outcomes[name] for line in alike) for name in UseResult.Outcome.values}
    opened = sum(line.opened for line in alike)
    return Line(first.agency, first.service, first.type, first.month, opened, outcomes)
