import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("agencies", "0002_standing_right"),
        ("cameras", "0001_cameras"),
        ("mous", "0002_initial"),
        ("video", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ProvidedCopy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ledger_number", models.BigIntegerField(verbose_name="register line")),
                ("requested_by", models.CharField(max_length=200, verbose_name="requested by")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="ordered")),
                ("destroy_by", models.DateTimeField(null=True, verbose_name="to be destroyed by")),
                ("destroyed_at", models.DateTimeField(null=True, verbose_name="destroyed")),
                (
                    "agency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="copies",
                        to="agencies.agency",
                        verbose_name="agency",
                    ),
                ),
                (
                    "clip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="provided",
                        to="video.clip",
                        verbose_name="clip",
                    ),
                ),
                (
                    "provision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="copies",
                        to="mous.provision",
                        verbose_name="provision",
                    ),
                ),
            ],
            options={
                "verbose_name": "provided copy",
                "verbose_name_plural": "provided copies",
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(condition=models.Q(("destroyed_at", None)), fields=["destroy_by"], name="copy_due"),
                    models.Index(fields=["agency", "created_at"], name="copy_of_agency"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ViewLog",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "door",
                    models.CharField(
                        choices=[
                            ("live", "Live video"),
                            ("playback", "Playback"),
                            ("still", "Still picture"),
                            ("clip", "Download of a clip"),
                        ],
                        max_length=10,
                        verbose_name="door",
                    ),
                ),
                ("incident_number", models.CharField(default="none", max_length=20, verbose_name="incident")),
                ("reason", models.CharField(blank=True, max_length=300, verbose_name="reason")),
                ("address", models.GenericIPAddressField(null=True, verbose_name="from address")),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="opened")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="closed")),
                ("closed_because", models.CharField(blank=True, max_length=40, verbose_name="closed because")),
                ("period_from", models.DateTimeField(null=True, verbose_name="recorded from")),
                ("period_until", models.DateTimeField(null=True, verbose_name="recorded until")),
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
                    "key",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="agencies.apikey",
                        verbose_name="system",
                    ),
                ),
                (
                    "provision",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="views",
                        to="mous.provision",
                        verbose_name="provision",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "view",
                "verbose_name_plural": "views",
                "ordering": ["-opened_at"],
                "indexes": [
                    models.Index(fields=["opened_at"], name="view_opened"),
                    models.Index(fields=["camera", "opened_at"], name="view_of_camera"),
                    models.Index(fields=["incident_number"], name="view_of_incident"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("key__isnull", False), ("user", None)),
                            models.Q(("key", None), ("user__isnull", False)),
                            _connector="OR",
                        ),
                        name="view_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("incident_number", "none"), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="view_without_incident_says_why",
                    ),
                ],
            },
        ),
    ]
