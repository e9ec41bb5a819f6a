from django.db import models
from django.db.models import F
from django.utils import timezone

from apps.agencies.models import Agency


class RefusalCount(models.Model):
    """How many calls of an agency were turned away unread on a day, by reason. The calls themselves are not kept."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    day = models.DateField()
    code = models.CharField(max_length=40)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agency", "day", "code"], name="one_refusal_count_a_day")]

    def __str__(self):
        return f"{self.agency} {self.day} {self.code}: {self.count}"

    @classmethod
    def add(cls, agency: Agency, code: str) -> None:
        cls.objects.update_or_create(
            agency=agency,
            day=timezone.localdate(),
            code=code,
            defaults={"count": F("count") + 1},
            create_defaults={"count": 1},
        )
