import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("viewing", "0003_recipients_copies"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="MonthlyCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(unique=True, verbose_name="month")),
                ("views", models.PositiveIntegerField(verbose_name="views")),
                ("downloads", models.PositiveIntegerField(verbose_name="downloads")),
                ("refusals", models.PositiveIntegerField(verbose_name="refusals")),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="made")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="completed")),
            ],
            options={
                "verbose_name": "monthly check",
                "verbose_name_plural": "monthly checks",
                "ordering": ["-month"],
            },
        ),
        migrations.CreateModel(
            name="Finding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("downloads", "Downloads: is the reason confirmed?"),
                            ("night", "Many views at night without an incident"),
                            ("no_incident", "Many views without an incident"),
                            ("one_camera", "One camera watched often without an incident"),
                            ("one_person", "One person searched for often"),
                            ("refused", "Many refusals"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("who", models.CharField(max_length=200, verbose_name="who")),
                ("subject", models.CharField(blank=True, max_length=200, verbose_name="concerning")),
                ("times", models.PositiveIntegerField(verbose_name="times")),
                ("first_at", models.DateTimeField(verbose_name="first")),
                ("last_at", models.DateTimeField(verbose_name="last")),
                ("in_order", models.BooleanField(null=True, verbose_name="in order")),
                ("answer", models.CharField(blank=True, max_length=300, verbose_name="answer")),
                ("signed_at", models.DateTimeField(null=True, verbose_name="signed off")),
                (
                    "signed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="signed off by",
                    ),
                ),
                (
                    "check_of",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="findings",
                        to="viewing.monthlycheck",
                        verbose_name="monthly check",
                    ),
                ),
            ],
            options={
                "verbose_name": "finding",
                "verbose_name_plural": "findings",
                "ordering": ["kind", "-times"],
                "constraints": [
                    models.UniqueConstraint(fields=("check_of", "kind", "who", "subject"), name="finding_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("in_order", None), ("signed_at", None), ("signed_by", None)),
                            models.Q(
                                ("in_order__isnull", False),
                                ("signed_at__isnull", False),
                                ("signed_by__isnull", False),
                                models.Q(("answer", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="finding_signed_off_whole",
                    ),
                ],
            },
        ),
    ]
