import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from apps.video.partitions import kept_by_day

TABLE = """
create table video_motion (
    camera_id bigint not null,
    minute timestamp with time zone not null,
    levels bytea not null check (octet_length(levels) = 60),
    primary key (camera_id, minute)
) partition by range (minute);
"""
# What was recorded of the minute is gone.
OVER = "r.minute + interval '1 minute' <= m.removed"


class Migration(migrations.Migration):
    dependencies = [
        ("cameras", "0003_kept_back"),
        ("video", "0005_clip_kinds_and_keys"),
    ]

    operations = [
        migrations.CreateModel(
            name="UsualView",
            fields=[
                (
                    "camera",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="usual_view",
                        serialize=False,
                        to="cameras.camera",
                    ),
                ),
                ("looks", models.BinaryField()),
                ("detail", models.FloatField()),
                ("learned_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="learned")),
            ],
            options={
                "verbose_name": "usual view",
                "verbose_name_plural": "usual views",
            },
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(TABLE),
                kept_by_day("video_motion", key="minute", over=OVER),
            ],
            state_operations=[
                migrations.CreateModel(
                    name="Motion",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "camera_id", "minute", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("minute", models.DateTimeField()),
                        ("levels", models.BinaryField(max_length=60)),
                        (
                            "camera",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="cameras.camera",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "movement",
                        "verbose_name_plural": "movement",
                    },
                ),
            ],
        ),
        migrations.CreateModel(
            name="CameraAlarm",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("frozen", "The picture stands still"),
                            ("black", "The picture is black"),
                            ("covered", "The view is covered or out of focus"),
                            ("moved", "The camera looks elsewhere than usual"),
                            ("no_picture", "No picture comes"),
                            ("not_recording", "Pictures come, but are not recorded"),
                            ("disk", "The disk refuses"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("began_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="since")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="until")),
                ("detail", models.JSONField(default=dict)),
                (
                    "camera",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alarms",
                        to="cameras.camera",
                        verbose_name="camera",
                    ),
                ),
            ],
            options={
                "verbose_name": "camera alarm",
                "verbose_name_plural": "camera alarms",
                "ordering": ["-began_at"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)), fields=("camera", "kind"), name="one_open_alarm_a_kind"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ended_at", None), ("ended_at__gte", models.F("began_at")), _connector="OR"
                        ),
                        name="alarm_ends_after_its_start",
                    ),
                ],
            },
        ),
    ]
