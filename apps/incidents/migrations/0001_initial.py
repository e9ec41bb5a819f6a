import django.contrib.gis.db.models.fields
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from apps.audit.append_only import append_only


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("agencies", "0002_standing_right"),
    ]

    operations = [
        migrations.CreateModel(
            name="Incident",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("number", models.CharField(max_length=20, unique=True, verbose_name="number")),
                ("source_id", models.CharField(max_length=100, verbose_name="sender's number")),
                ("digest", models.CharField(editable=False, max_length=64)),
                ("service", models.CharField(max_length=40, verbose_name="service")),
                ("type", models.CharField(max_length=40, verbose_name="type")),
                (
                    "grade",
                    models.CharField(
                        choices=[("urgent", "Urgent"), ("normal", "Normal")],
                        max_length=10,
                        verbose_name="grade",
                    ),
                ),
                ("occurred_at", models.DateTimeField(verbose_name="occurred")),
                (
                    "received_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="received"),
                ),
                ("closed_at", models.DateTimeField(null=True, verbose_name="closed")),
                (
                    "location",
                    django.contrib.gis.db.models.fields.PointField(geography=True, srid=4326, verbose_name="location"),
                ),
                ("place", models.CharField(blank=True, max_length=200, verbose_name="place")),
                ("description", models.TextField(blank=True, verbose_name="description")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("reported", "Reported"),
                            ("acknowledged", "Acknowledged"),
                            ("dispatched", "Dispatched"),
                            ("on_scene", "On scene"),
                            ("resolved", "Resolved"),
                            ("closed", "Closed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="reported",
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                ("is_exercise", models.BooleanField(default=False, verbose_name="exercise")),
                (
                    "parties",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                (
                    "agency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="incidents",
                        to="agencies.agency",
                        verbose_name="sent by",
                    ),
                ),
            ],
            options={
                "verbose_name": "incident",
                "verbose_name_plural": "incidents",
                "ordering": ["-received_at"],
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("seq", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=40)),
                ("object_id", models.BigIntegerField()),
                (
                    "agencies",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("by", models.CharField(blank=True, max_length=200)),
                ("detail", models.JSONField(default=dict)),
                (
                    "incident",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="incidents.incident",
                    ),
                ),
            ],
            options={
                "ordering": ["seq"],
            },
        ),
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(models.OrderBy(models.F("received_at"), descending=True), name="incident_newest"),
        ),
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(
                condition=models.Q(("state__in", ("reported", "acknowledged", "dispatched", "on_scene", "resolved"))),
                fields=["state"],
                name="incident_open",
            ),
        ),
        migrations.AddIndex(
            model_name="incident",
            index=django.contrib.postgres.indexes.GinIndex(fields=["parties"], name="incident_parties"),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.UniqueConstraint(fields=("agency", "source_id"), name="one_incident_per_source_id"),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("closed_at", None),
                        ("state__in", ("reported", "acknowledged", "dispatched", "on_scene", "resolved")),
                    ),
                    models.Q(
                        ("closed_at__isnull", False),
                        models.Q(
                            ("state__in", ("reported", "acknowledged", "dispatched", "on_scene", "resolved")),
                            _negated=True,
                        ),
                    ),
                    _connector="OR",
                ),
                name="closed_at_says_closed",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=django.contrib.postgres.indexes.GinIndex(fields=["agencies"], name="event_agencies"),
        ),
        migrations.RunSQL("create sequence incident_number", "drop sequence incident_number"),
        append_only("incidents_event"),
    ]
