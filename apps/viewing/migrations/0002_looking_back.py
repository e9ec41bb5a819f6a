import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cameras", "0002_words"),
        ("incidents", "0001_initial"),
        ("viewing", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="viewlog",
            name="pictures",
            field=models.PositiveIntegerField(db_default=0, verbose_name="thumbnails"),
        ),
        migrations.AlterField(
            model_name="viewlog",
            name="door",
            field=models.CharField(
                choices=[
                    ("live", "Live video"),
                    ("playback", "Playback"),
                    ("timeline", "Timeline and thumbnails"),
                    ("still", "Still picture"),
                    ("clip", "Download of a clip"),
                ],
                max_length=10,
                verbose_name="door",
            ),
        ),
        migrations.CreateModel(
            name="Bookmark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="moment")),
                ("note", models.CharField(max_length=300, verbose_name="note")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="made")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
                (
                    "camera",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cameras.camera",
                        verbose_name="camera",
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bookmarks",
                        to="incidents.incident",
                        verbose_name="incident",
                    ),
                ),
            ],
            options={
                "verbose_name": "bookmark",
                "verbose_name_plural": "bookmarks",
                "ordering": ["at"],
                "indexes": [models.Index(fields=["camera", "at"], name="bookmark_of_camera_at")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("note", ""), _negated=True), name="bookmark_says_why")
                ],
            },
        ),
    ]
