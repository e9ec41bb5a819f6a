import django.contrib.gis.db.models.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import apps.cameras.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("agencies", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="District",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("code", models.CharField(max_length=10, unique=True, verbose_name="code")),
                ("name_ko", models.CharField(max_length=60, verbose_name="Korean name")),
                ("name_en", models.CharField(max_length=60, verbose_name="English name")),
                (
                    "shape",
                    django.contrib.gis.db.models.fields.MultiPolygonField(srid=4326, verbose_name="boundary"),
                ),
            ],
            options={
                "verbose_name": "district",
                "verbose_name_plural": "districts",
                "ordering": ["code"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Dong",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("code", models.CharField(max_length=10, unique=True, verbose_name="code")),
                ("name_ko", models.CharField(max_length=60, verbose_name="Korean name")),
                ("name_en", models.CharField(max_length=60, verbose_name="English name")),
                (
                    "shape",
                    django.contrib.gis.db.models.fields.MultiPolygonField(srid=4326, verbose_name="boundary"),
                ),
                (
                    "district",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="dongs",
                        to="cameras.district",
                    ),
                ),
            ],
            options={
                "verbose_name": "dong",
                "verbose_name_plural": "dongs",
                "ordering": ["code"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Site",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("management_no", models.CharField(max_length=60, verbose_name="management number")),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("security", "Security"),
                            ("children", "Protection of children"),
                            ("traffic", "Traffic"),
                            ("parking", "Parking control"),
                            ("dumping", "Dumping control"),
                            ("facility", "Facilities"),
                            ("plate", "Plate reading"),
                            ("disaster", "Disaster"),
                            ("other", "Other"),
                        ],
                        max_length=10,
                        verbose_name="purpose",
                    ),
                ),
                (
                    "purpose_text",
                    models.CharField(blank=True, max_length=60, verbose_name="purpose as listed"),
                ),
                ("road_address", models.CharField(blank=True, max_length=300, verbose_name="road address")),
                ("lot_address", models.CharField(blank=True, max_length=300, verbose_name="lot address")),
                (
                    "direction_text",
                    models.CharField(blank=True, max_length=300, verbose_name="direction as listed"),
                ),
                (
                    "installed",
                    models.CharField(blank=True, max_length=7, verbose_name="installed (year-month)"),
                ),
                ("phone", models.CharField(blank=True, max_length=40, verbose_name="telephone")),
                (
                    "pixels_10k",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="pixels (ten thousands)"),
                ),
                (
                    "region_code",
                    models.CharField(blank=True, max_length=10, verbose_name="code of the publishing body"),
                ),
                ("as_of", models.DateField(blank=True, null=True, verbose_name="list as of")),
                (
                    "location",
                    django.contrib.gis.db.models.fields.PointField(geography=True, srid=4326, verbose_name="position"),
                ),
                (
                    "district",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="cameras.district",
                        verbose_name="district",
                    ),
                ),
                (
                    "dong",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="cameras.dong",
                        verbose_name="dong",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sites",
                        to="agencies.agency",
                        verbose_name="owner",
                    ),
                ),
            ],
            options={
                "verbose_name": "site",
                "verbose_name_plural": "sites",
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Camera",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("number", models.CharField(max_length=80, unique=True, verbose_name="number")),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("security", "Security"),
                            ("children", "Protection of children"),
                            ("traffic", "Traffic"),
                            ("parking", "Parking control"),
                            ("dumping", "Dumping control"),
                            ("facility", "Facilities"),
                            ("plate", "Plate reading"),
                            ("disaster", "Disaster"),
                            ("other", "Other"),
                        ],
                        max_length=10,
                        verbose_name="purpose",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("fixed", "Fixed"), ("ptz", "Turning (PTZ)")],
                        default="fixed",
                        max_length=5,
                        verbose_name="kind",
                    ),
                ),
                (
                    "location",
                    django.contrib.gis.db.models.fields.PointField(geography=True, srid=4326, verbose_name="position"),
                ),
                (
                    "bearing_deg",
                    models.FloatField(
                        blank=True,
                        help_text="Degrees clockwise from north; empty when unknown or all round.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(359.999),
                        ],
                        verbose_name="bearing",
                    ),
                ),
                (
                    "fov_deg",
                    models.FloatField(
                        default=90.0,
                        validators=[django.core.validators.MaxValueValidator(360)],
                        verbose_name="field of view",
                    ),
                ),
                (
                    "range_m",
                    models.FloatField(
                        default=50.0,
                        validators=[django.core.validators.MaxValueValidator(5000)],
                        verbose_name="range in metres",
                    ),
                ),
                (
                    "coverage",
                    django.contrib.gis.db.models.fields.PolygonField(
                        editable=False, srid=4326, verbose_name="coverage"
                    ),
                ),
                ("width", models.PositiveIntegerField(blank=True, null=True, verbose_name="width")),
                ("height", models.PositiveIntegerField(blank=True, null=True, verbose_name="height")),
                (
                    "retention_days",
                    models.PositiveSmallIntegerField(
                        default=apps.cameras.models.default_retention_days,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="retention in days",
                    ),
                ),
                ("rtsp_url", models.CharField(blank=True, max_length=500, verbose_name="RTSP address")),
                ("onvif_url", models.CharField(blank=True, max_length=500, verbose_name="ONVIF address")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("off", "No stream"),
                            ("standby", "Standing by"),
                            ("normal", "Normal"),
                            ("caution", "Caution"),
                            ("serious", "Serious"),
                            ("critical", "Critical"),
                        ],
                        default="off",
                        editable=False,
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                (
                    "status_reason",
                    models.CharField(blank=True, editable=False, max_length=300, verbose_name="reason of the status"),
                ),
                (
                    "status_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="status since"
                    ),
                ),
                ("is_virtual", models.BooleanField(default=False, verbose_name="virtual")),
                ("is_enabled", models.BooleanField(default=True, verbose_name="enabled")),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cameras",
                        to="agencies.agency",
                        verbose_name="owner",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cameras",
                        to="cameras.site",
                        verbose_name="site",
                    ),
                ),
            ],
            options={
                "permissions": [("watch_camera", "Can watch this camera under a standing right")],
                "verbose_name": "camera",
                "verbose_name_plural": "cameras",
                "ordering": ["pk"],
            },
        ),
        migrations.AddConstraint(
            model_name="site",
            constraint=models.UniqueConstraint(fields=("owner", "management_no"), name="one_site_per_management_no"),
        ),
        migrations.AddIndex(
            model_name="camera",
            index=django.contrib.postgres.indexes.GistIndex(
                "location",
                condition=models.Q(("status__in", ["standby", "normal", "caution"])),
                name="camera_alive_location",
            ),
        ),
        migrations.AddIndex(
            model_name="camera",
            index=django.contrib.postgres.indexes.GistIndex(
                "location",
                condition=models.Q(("status__in", ["off", "serious", "critical"])),
                name="camera_rest_location",
            ),
        ),
        migrations.AddConstraint(
            model_name="camera",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("bearing_deg__isnull", True),
                    models.Q(("bearing_deg__gte", 0), ("bearing_deg__lt", 360)),
                    _connector="OR",
                ),
                name="camera_bearing_is_a_bearing",
            ),
        ),
        migrations.AddConstraint(
            model_name="camera",
            constraint=models.CheckConstraint(
                condition=models.Q(("fov_deg__gt", 0), ("fov_deg__lte", 360)), name="camera_fov_is_an_angle"
            ),
        ),
        migrations.AddConstraint(
            model_name="camera",
            constraint=models.CheckConstraint(
                condition=models.Q(("range_m__gt", 0), ("range_m__lte", 5000)), name="camera_range_is_sane"
            ),
        ),
        migrations.AddConstraint(
            model_name="camera",
            constraint=models.CheckConstraint(
                condition=models.Q(("retention_days__gte", 1)), name="camera_keeps_a_day_or_more"
            ),
        ),
    ]
