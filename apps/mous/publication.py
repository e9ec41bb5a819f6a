"""What the law wants published of provision: basis, purpose and scope (Art. 18(4)), a year at a time.

Consent and investigation are left out, as the law does. Nothing here tells of a person, an incident or a place:
purposes are those of the agreements; what people of the centre wrote by hand is not quoted.
"""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Max, Min
from django.utils import timezone

from apps.agencies.models import Agency
from apps.mous.models import LegalGround, MediaKind, Mou, Provision
from apps.mous.models.words import UNPUBLISHED_GROUNDS


@dataclass(frozen=True)
class Published:
    """One line: days in the city's zone; `scope` in words."""

    agency: Agency
    ground: str
    purpose: str
    scope: str
    provisions: int
    cameras: int
    first: str
    last: str


def publication(year: int) -> list[Published]:
    """The lines of a year, by agency."""
    counted = (
        Provision.objects.opened_within(date(year, 1, 1), date(year + 1, 1, 1))
        .exclude(legal_ground__in=UNPUBLISHED_GROUNDS)
        .values("agency", "legal_ground", "way", "mou", "kinds")
        .annotate(n=Count("pk", distinct=True), seen=Count("provided__camera", distinct=True))
        .annotate(first=Min("starts_at"), last=Max("starts_at"))
        .order_by("agency__code", "legal_ground", "way", "mou")
    )
    agencies = Agency.objects.in_bulk({row["agency"] for row in counted})
    mous = Mou.objects.in_bulk({row["mou"] for row in counted if row["mou"]})
    return [_line(row, agencies[row["agency"]], mous.get(row["mou"])) for row in counted]


def _line(row: dict, agency: Agency, mou: Mou | None) -> Published:
    way = Provision.Way(row["way"])
    kinds = dict(MediaKind.choices)
    return Published(
        agency=agency,
        ground=str(LegalGround(row["legal_ground"]).label),
        purpose=mou.purpose if mou else str(way.label),
        scope=", ".join(str(kinds[kind]) for kind in row["kinds"]),
        provisions=row["n"],
        cameras=row["seen"],
        first=f"{timezone.localtime(row['first']):%Y-%m-%d}",
        last=f"{timezone.localtime(row['last']):%Y-%m-%d}",
    )


def years() -> list[int]:
    """The years of which there is something to publish, newest first."""
    ends = Provision.objects.aggregate(first=Min("starts_at"), last=Max("starts_at"))
    if ends["first"] is None:
        return []
    first, last = (timezone.localtime(ends[name]).year for name in ("first", "last"))
    return list(range(last, first - 1, -1))
