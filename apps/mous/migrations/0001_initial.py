import django.contrib.gis.db.models.fields
import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from apps.audit.append_only import append_only


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("agencies", "0002_standing_right"),
        ("cameras", "0001_cameras"),
        ("incidents", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Mou",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "document_number",
                    models.CharField(max_length=60, unique=True, verbose_name="document number"),
                ),
                (
                    "services",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), size=None, verbose_name="services"
                    ),
                ),
                (
                    "incident_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        blank=True,
                        default=list,
                        help_text="Empty: all types of the services.",
                        size=None,
                        verbose_name="incident types",
                    ),
                ),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("live", "Live video"),
                                ("recorded", "Recorded video"),
                                ("still", "Still picture"),
                                ("person_card", "Person card"),
                            ],
                            max_length=20,
                        ),
                        size=None,
                        verbose_name="media kinds",
                    ),
                ),
                (
                    "area",
                    django.contrib.gis.db.models.fields.MultiPolygonField(
                        blank=True,
                        help_text="Empty: the whole city.",
                        null=True,
                        srid=4326,
                        verbose_name="area",
                    ),
                ),
                (
                    "purposes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
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
                        ),
                        blank=True,
                        default=list,
                        help_text="Empty: cameras of all purposes.",
                        size=None,
                        verbose_name="camera purposes",
                    ),
                ),
                ("max_cameras", models.PositiveSmallIntegerField(default=9, verbose_name="cameras at most")),
                ("radius_m", models.PositiveIntegerField(default=500, verbose_name="inner radius in metres")),
                (
                    "outer_radius_m",
                    models.PositiveIntegerField(default=1000, verbose_name="outer radius in metres"),
                ),
                (
                    "lookback_min",
                    models.PositiveIntegerField(default=30, verbose_name="minutes before the call"),
                ),
                (
                    "lookahead_min",
                    models.PositiveIntegerField(default=120, verbose_name="minutes after the call"),
                ),
                (
                    "open_hours",
                    models.PositiveIntegerField(default=24, verbose_name="hours a provision may stay open"),
                ),
                (
                    "report_hours",
                    models.PositiveIntegerField(default=72, verbose_name="hours of recorded video after closing"),
                ),
                (
                    "legal_ground",
                    models.CharField(
                        choices=[
                            ("consent", "Consent of the person (Art. 18(2)1)"),
                            ("other_law", "Special provision in another law (Art. 18(2)2)"),
                            ("urgent", "Urgent protection of life, body or property (Art. 18(2)3)"),
                            ("commission", "Decision of the Protection Commission (Art. 18(2)5)"),
                            ("treaty", "Treaty or international agreement (Art. 18(2)6)"),
                            ("investigation", "Criminal investigation and prosecution (Art. 18(2)7)"),
                            ("court", "Work of the courts (Art. 18(2)8)"),
                            ("sentence", "Execution of a sentence (Art. 18(2)9)"),
                            ("public_safety", "Urgent public safety and peace (Art. 18(2)10)"),
                        ],
                        max_length=20,
                        verbose_name="legal ground",
                    ),
                ),
                ("purpose", models.CharField(max_length=300, verbose_name="purpose")),
                ("starts_at", models.DateTimeField(verbose_name="in force from")),
                ("ends_at", models.DateTimeField(verbose_name="in force until")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("signed", "Signed"),
                            ("suspended", "Suspended"),
                            ("revoked", "Revoked"),
                        ],
                        default="draft",
                        editable=False,
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                ("signed_at", models.DateTimeField(editable=False, null=True, verbose_name="signed")),
                (
                    "agency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mous",
                        to="agencies.agency",
                        verbose_name="agency",
                    ),
                ),
                (
                    "drafted_by",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="drafted by",
                    ),
                ),
                (
                    "excluded_owners",
                    models.ManyToManyField(
                        blank=True, related_name="+", to="agencies.agency", verbose_name="owners left out"
                    ),
                ),
                (
                    "signed_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="signed by",
                    ),
                ),
            ],
            options={
                "verbose_name": "MOU",
                "verbose_name_plural": "MOUs",
                "ordering": ["-starts_at"],
                "permissions": [
                    ("sign_mou", "Can sign MOUs"),
                    ("suspend_mou", "Can suspend and revoke MOUs"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Provision",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("number", models.CharField(max_length=20, unique=True, verbose_name="number")),
                ("service", models.CharField(max_length=40, verbose_name="service")),
                (
                    "legal_ground",
                    models.CharField(
                        choices=[
                            ("consent", "Consent of the person (Art. 18(2)1)"),
                            ("other_law", "Special provision in another law (Art. 18(2)2)"),
                            ("urgent", "Urgent protection of life, body or property (Art. 18(2)3)"),
                            ("commission", "Decision of the Protection Commission (Art. 18(2)5)"),
                            ("treaty", "Treaty or international agreement (Art. 18(2)6)"),
                            ("investigation", "Criminal investigation and prosecution (Art. 18(2)7)"),
                            ("court", "Work of the courts (Art. 18(2)8)"),
                            ("sentence", "Execution of a sentence (Art. 18(2)9)"),
                            ("public_safety", "Urgent public safety and peace (Art. 18(2)10)"),
                        ],
                        max_length=20,
                        verbose_name="legal ground",
                    ),
                ),
                ("purpose", models.CharField(max_length=300, verbose_name="purpose")),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("live", "Live video"),
                                ("recorded", "Recorded video"),
                                ("still", "Still picture"),
                                ("person_card", "Person card"),
                            ],
                            max_length=20,
                        ),
                        size=None,
                        verbose_name="media kinds",
                    ),
                ),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
                ("recorded_from", models.DateTimeField(verbose_name="recorded video from")),
                ("recorded_until", models.DateTimeField(verbose_name="recorded video until")),
                ("revoked_at", models.DateTimeField(null=True, verbose_name="revoked")),
                ("revoked_reason", models.CharField(blank=True, max_length=300, verbose_name="reason")),
                (
                    "agency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="provisions",
                        to="agencies.agency",
                        verbose_name="agency",
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="provisions",
                        to="incidents.incident",
                        verbose_name="incident",
                    ),
                ),
                (
                    "mou",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="provisions",
                        to="mous.mou",
                        verbose_name="MOU",
                    ),
                ),
                (
                    "revoked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="revoked by",
                    ),
                ),
            ],
            options={
                "verbose_name": "provision",
                "verbose_name_plural": "provisions",
                "ordering": ["-starts_at"],
                "permissions": [("revoke_provision", "Can revoke provisions")],
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("number", models.BigAutoField(primary_key=True, serialize=False, verbose_name="number")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("use", "Use"),
                            ("provide", "Provision to a third party"),
                            ("view", "Viewing"),
                            ("destroy", "Destruction"),
                            ("refuse", "Refusal"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date and time")),
                ("file_name", models.CharField(blank=True, max_length=300, verbose_name="file name")),
                ("form", models.CharField(blank=True, max_length=100, verbose_name="form")),
                ("officer", models.CharField(max_length=200, verbose_name="officer in charge")),
                ("purpose", models.CharField(max_length=500, verbose_name="purpose and reason")),
                (
                    "third_party",
                    models.CharField(blank=True, max_length=200, verbose_name="third party or requester"),
                ),
                ("ground", models.CharField(blank=True, max_length=200, verbose_name="ground")),
                (
                    "manner",
                    models.CharField(blank=True, max_length=200, verbose_name="form of use or provision"),
                ),
                ("period_from", models.DateTimeField(null=True, verbose_name="period from")),
                ("period_until", models.DateTimeField(null=True, verbose_name="period until")),
                (
                    "cameras",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80),
                        default=list,
                        size=None,
                        verbose_name="cameras",
                    ),
                ),
                ("incident_number", models.CharField(blank=True, max_length=20, verbose_name="incident")),
                ("code", models.CharField(blank=True, max_length=40, verbose_name="refusal")),
                (
                    "agency",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="agencies.agency",
                    ),
                ),
                (
                    "provision",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="ledger",
                        to="mous.provision",
                    ),
                ),
            ],
            options={
                "verbose_name": "register line",
                "verbose_name_plural": "personal video information register",
                "ordering": ["-number"],
            },
        ),
        migrations.CreateModel(
            name="ProvisionCamera",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("rank", models.PositiveSmallIntegerField()),
                ("distance_m", models.FloatField()),
                ("bearing_deg", models.FloatField()),
                ("covers", models.BooleanField()),
                ("ring", models.CharField(max_length=5)),
                (
                    "camera",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cameras.camera"
                    ),
                ),
                (
                    "provision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="provided",
                        to="mous.provision",
                    ),
                ),
            ],
            options={
                "ordering": ["rank"],
            },
        ),
        migrations.AddField(
            model_name="provision",
            name="cameras",
            field=models.ManyToManyField(
                related_name="provisions", through="mous.ProvisionCamera", to="cameras.camera"
            ),
        ),
        migrations.AddConstraint(
            model_name="mou",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="mou_ends_after_it_starts"
            ),
        ),
        migrations.AddConstraint(
            model_name="mou",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("signed_at", None), ("signed_by", None)),
                    models.Q(("signed_at__isnull", False), ("signed_by__isnull", False)),
                    _connector="OR",
                ),
                name="mou_signed_by_and_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="mou",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "draft"), ("signed_by__isnull", False), _connector="OR"),
                name="mou_signed_first",
            ),
        ),
        migrations.AddConstraint(
            model_name="mou",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("signed_by", None),
                    models.Q(("signed_by", models.F("drafted_by")), _negated=True),
                    _connector="OR",
                ),
                name="mou_signed_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="mou",
            constraint=models.CheckConstraint(
                condition=models.Q(("outer_radius_m__gte", models.F("radius_m"))), name="mou_rings_in_order"
            ),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(fields=["at"], name="ledger_at"),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(fields=["agency", "at"], name="ledger_agency_at"),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(fields=["incident_number"], name="ledger_incident"),
        ),
        migrations.AddConstraint(
            model_name="provisioncamera",
            constraint=models.UniqueConstraint(fields=("provision", "camera"), name="camera_provided_once"),
        ),
        migrations.AddIndex(
            model_name="provision",
            index=models.Index(fields=["agency", "ends_at"], name="provision_agency_end"),
        ),
        migrations.AddConstraint(
            model_name="provision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("revoked_at", None), ("revoked_reason", "")),
                    models.Q(("revoked_at__isnull", False), models.Q(("revoked_reason", ""), _negated=True)),
                    _connector="OR",
                ),
                name="provision_revoked_with_reason",
            ),
        ),
        append_only("mous_ledgerentry"),
    ]
