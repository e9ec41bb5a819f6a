import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import apps.video.fields
import apps.video.models


class Migration(migrations.Migration):
    dependencies = [
        ("cameras", "0002_words"),
        ("video", "0002_segments_by_day"),
    ]

    operations = [
        migrations.CreateModel(
            name="HeldSegment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hold", models.BigIntegerField(editable=False)),
                ("started_at", apps.video.fields.MillisecondField(verbose_name="from")),
                ("ended_at", models.DateTimeField(verbose_name="until")),
                ("session", models.BigIntegerField(editable=False)),
                ("bytes", models.BigIntegerField(verbose_name="bytes")),
                ("init_bytes", models.PositiveIntegerField()),
                ("width", models.PositiveSmallIntegerField()),
                ("height", models.PositiveSmallIntegerField()),
                ("sha256", apps.video.fields.HexField()),
                ("codec", models.CharField(max_length=40)),
                (
                    "store",
                    models.CharField(
                        choices=[
                            ("local", "This machine"),
                            ("both", "This machine and object storage"),
                            ("objects", "Object storage"),
                        ],
                        default="local",
                        max_length=8,
                    ),
                ),
                (
                    "condition",
                    models.CharField(
                        choices=[
                            ("taken", "Taken, not yet checked"),
                            ("whole", "Whole: its fingerprint is that of the recording"),
                            ("damaged", "Damaged"),
                            ("destroying", "Being destroyed"),
                        ],
                        default="taken",
                        max_length=10,
                        verbose_name="condition",
                    ),
                ),
                ("taken_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="taken")),
            ],
            options={
                "verbose_name": "held segment",
                "verbose_name_plural": "held segments",
            },
            bases=(apps.video.models.Film, models.Model),
        ),
        migrations.AlterField(
            model_name="segment",
            name="store",
            field=models.CharField(
                choices=[
                    ("local", "This machine"),
                    ("both", "This machine and object storage"),
                    ("objects", "Object storage"),
                ],
                default="local",
                max_length=8,
            ),
        ),
        migrations.AddIndex(
            model_name="segment",
            index=models.Index(condition=models.Q(("store", "both")), fields=["store"], name="segment_moving"),
        ),
        migrations.AddField(
            model_name="heldsegment",
            name="camera",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="held_segments", to="cameras.camera"
            ),
        ),
        migrations.AddIndex(
            model_name="heldsegment",
            index=models.Index(fields=["camera", "started_at"], name="held_of_camera_at"),
        ),
        migrations.AddIndex(
            model_name="heldsegment",
            index=models.Index(
                condition=models.Q(("condition", "whole"), _negated=True), fields=["hold"], name="held_unfinished"
            ),
        ),
        migrations.AddConstraint(
            model_name="heldsegment",
            constraint=models.UniqueConstraint(fields=("hold", "camera", "started_at"), name="held_once_by_a_hold"),
        ),
    ]
