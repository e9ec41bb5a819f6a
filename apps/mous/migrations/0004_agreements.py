import django.contrib.gis.db.models.fields
import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.comparison
import django.utils.timezone
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models

import apps.mous.models.agreements
import apps.mous.scans


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0003_words"),
        ("cameras", "0003_kept_back"),
        ("incidents", "0001_initial"),
        ("mous", "0003_words"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        BtreeGistExtension(),
        migrations.CreateModel(
            name="Consent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "party",
                    models.CharField(
                        choices=[("centre", "Operation centre"), ("other", "Other party")],
                        max_length=10,
                        verbose_name="party",
                    ),
                ),
                ("agrees", models.BooleanField(verbose_name="agrees")),
                ("reason", models.CharField(blank=True, max_length=300, verbose_name="reason")),
                ("given_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="given")),
            ],
            options={
                "verbose_name": "consent",
                "verbose_name_plural": "consents",
                "ordering": ["given_at"],
            },
        ),
        migrations.CreateModel(
            name="Integration",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("document_number", models.CharField(max_length=60, verbose_name="document number")),
                ("version", models.PositiveSmallIntegerField(default=1, editable=False, verbose_name="version")),
                (
                    "scan",
                    models.FileField(
                        blank=True,
                        help_text="PDF, PNG or JPEG.",
                        storage=apps.mous.scans.scan_storage,
                        upload_to=apps.mous.scans.scan_name,
                        validators=[apps.mous.scans.validate_scan],
                        verbose_name="scanned paper",
                    ),
                ),
                ("starts_at", models.DateTimeField(verbose_name="in force from")),
                ("ends_at", models.DateTimeField(verbose_name="in force until")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("reviewed", "Reviewed"),
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
                ("superseded_at", models.DateTimeField(editable=False, null=True, verbose_name="superseded")),
                ("reminded_days", models.PositiveSmallIntegerField(editable=False, null=True)),
                ("purpose", models.CharField(max_length=300, verbose_name="purpose")),
                ("terms", models.TextField(blank=True, verbose_name="terms")),
            ],
            options={
                "verbose_name": "integration agreement",
                "verbose_name_plural": "integration agreements",
                "ordering": ["-starts_at"],
                "abstract": False,
            },
        ),
        migrations.AlterModelOptions(
            name="mou",
            options={
                "ordering": ["-starts_at"],
                "permissions": [
                    ("review_mou", "Can review MOUs"),
                    ("sign_mou", "Can sign MOUs"),
                    ("suspend_mou", "Can suspend and revoke MOUs"),
                ],
                "verbose_name": "MOU",
                "verbose_name_plural": "MOUs",
            },
        ),
        migrations.RemoveConstraint(
            model_name="mou",
            name="mou_signed_first",
        ),
        migrations.AddField(
            model_name="mou",
            name="countersigned_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="signed for the other party by",
            ),
        ),
        migrations.AddField(
            model_name="mou",
            name="districts",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=10),
                blank=True,
                default=list,
                help_text="None, and nothing drawn: the whole city.",
                size=None,
                verbose_name="districts",
            ),
        ),
        migrations.AddField(
            model_name="mou",
            name="drawn",
            field=django.contrib.gis.db.models.fields.MultiPolygonField(
                blank=True, help_text="Adds to the districts.", null=True, srid=4326, verbose_name="area drawn"
            ),
        ),
        migrations.AddField(
            model_name="mou",
            name="excluded_purposes",
            field=django.contrib.postgres.fields.ArrayField(
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
                size=None,
                verbose_name="camera purposes left out",
            ),
        ),
        migrations.AddField(
            model_name="mou",
            name="only_owners",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(),
                blank=True,
                default=list,
                help_text="Empty: all owners.",
                size=None,
                verbose_name="owners taken in",
            ),
        ),
        migrations.AddField(
            model_name="mou",
            name="reminded_days",
            field=models.PositiveSmallIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="mou",
            name="reviewed_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="reviewed by",
            ),
        ),
        migrations.AddField(
            model_name="mou",
            name="scan",
            field=models.FileField(
                blank=True,
                help_text="PDF, PNG or JPEG.",
                storage=apps.mous.scans.scan_storage,
                upload_to=apps.mous.scans.scan_name,
                validators=[apps.mous.scans.validate_scan],
                verbose_name="scanned paper",
            ),
        ),
        migrations.AddField(
            model_name="mou",
            name="superseded_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="superseded"),
        ),
        migrations.AddField(
            model_name="mou",
            name="supersedes",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="amendments",
                to="mous.mou",
                verbose_name="takes the place of",
            ),
        ),
        migrations.AddField(
            model_name="mou",
            name="version",
            field=models.PositiveSmallIntegerField(default=1, editable=False, verbose_name="version"),
        ),
        migrations.AlterField(
            model_name="mou",
            name="area",
            field=django.contrib.gis.db.models.fields.MultiPolygonField(
                blank=True, editable=False, null=True, srid=4326, verbose_name="area"
            ),
        ),
        migrations.AlterField(
            model_name="mou",
            name="document_number",
            field=models.CharField(max_length=60, verbose_name="document number"),
        ),
        migrations.AlterField(
            model_name="mou",
            name="kinds",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("live", "Live video"),
                        ("recorded", "Recorded video"),
                        ("still", "Still picture"),
                        ("location", "Location of a person"),
                        ("person_card", "Person card"),
                    ],
                    max_length=20,
                ),
                size=None,
                verbose_name="media kinds",
            ),
        ),
        migrations.AlterField(
            model_name="mou",
            name="state",
            field=models.CharField(
                choices=[
                    ("draft", "Draft"),
                    ("reviewed", "Reviewed"),
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
        migrations.AddConstraint(
            model_name="mou",
            constraint=models.UniqueConstraint(fields=("document_number", "version"), name="mou_version_once"),
        ),
        migrations.AddConstraint(
            model_name="mou",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["draft", "reviewed"]), ("signed_by__isnull", False), _connector="OR"),
                name="mou_signed_first",
            ),
        ),
        migrations.AddConstraint(
            model_name="mou",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("countersigned_by", None),
                    models.Q(("countersigned_by", models.F("signed_by")), _negated=True),
                    _connector="OR",
                ),
                name="mou_two_signatures",
            ),
        ),
        migrations.AddConstraint(
            model_name="mou",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("state__in", ["signed", "suspended"])),
                expressions=[
                    ("document_number", "="),
                    (
                        apps.mous.models.agreements.Period(
                            "starts_at",
                            django.db.models.functions.comparison.Greatest(
                                "starts_at", django.db.models.functions.comparison.Least("ends_at", "superseded_at")
                            ),
                        ),
                        "&&",
                    ),
                ],
                name="mou_one_version_at_a_time",
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="mou",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="consents",
                to="mous.mou",
                verbose_name="MOU",
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="person",
            ),
        ),
        migrations.AddField(
            model_name="integration",
            name="countersigned_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="signed for the other party by",
            ),
        ),
        migrations.AddField(
            model_name="integration",
            name="drafted_by",
            field=models.ForeignKey(
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="drafted by",
            ),
        ),
        migrations.AddField(
            model_name="integration",
            name="owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="integrations",
                to="agencies.agency",
                verbose_name="owner",
            ),
        ),
        migrations.AddField(
            model_name="integration",
            name="reviewed_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="reviewed by",
            ),
        ),
        migrations.AddField(
            model_name="integration",
            name="signed_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="signed by",
            ),
        ),
        migrations.AddField(
            model_name="integration",
            name="supersedes",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="amendments",
                to="mous.integration",
                verbose_name="takes the place of",
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="integration",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="consents",
                to="mous.integration",
                verbose_name="integration agreement",
            ),
        ),
        migrations.AddConstraint(
            model_name="integration",
            constraint=models.UniqueConstraint(fields=("document_number", "version"), name="integration_version_once"),
        ),
        migrations.AddConstraint(
            model_name="integration",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="integration_ends_after_it_starts"
            ),
        ),
        migrations.AddConstraint(
            model_name="integration",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("signed_at", None), ("signed_by", None)),
                    models.Q(("signed_at__isnull", False), ("signed_by__isnull", False)),
                    _connector="OR",
                ),
                name="integration_signed_by_and_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="integration",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["draft", "reviewed"]), ("signed_by__isnull", False), _connector="OR"),
                name="integration_signed_first",
            ),
        ),
        migrations.AddConstraint(
            model_name="integration",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("signed_by", None), models.Q(("signed_by", models.F("drafted_by")), _negated=True), _connector="OR"
                ),
                name="integration_signed_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="integration",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("countersigned_by", None),
                    models.Q(("countersigned_by", models.F("signed_by")), _negated=True),
                    _connector="OR",
                ),
                name="integration_two_signatures",
            ),
        ),
        migrations.AddConstraint(
            model_name="integration",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("state__in", ["signed", "suspended"])),
                expressions=[
                    ("document_number", "="),
                    (
                        apps.mous.models.agreements.Period(
                            "starts_at",
                            django.db.models.functions.comparison.Greatest(
                                "starts_at", django.db.models.functions.comparison.Least("ends_at", "superseded_at")
                            ),
                        ),
                        "&&",
                    ),
                ],
                name="integration_one_version_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("integration__isnull", False), ("mou", None)),
                    models.Q(("integration", None), ("mou__isnull", False)),
                    _connector="OR",
                ),
                name="consent_to_one_agreement",
            ),
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.CheckConstraint(
                condition=models.Q(("agrees", True), models.Q(("reason", ""), _negated=True), _connector="OR"),
                name="hold_out_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.UniqueConstraint(fields=("mou", "person"), name="one_word_per_person_on_mou"),
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.UniqueConstraint(
                fields=("integration", "person"), name="one_word_per_person_on_integration"
            ),
        ),
    ]
