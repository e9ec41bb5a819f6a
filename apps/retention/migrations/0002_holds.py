import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0003_words"),
        ("cameras", "0002_words"),
        ("retention", "0001_certificates"),
        ("viewing", "0002_looking_back"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DiskWatch",
            fields=[
                ("root", models.CharField(max_length=200, primary_key=True, serialize=False, verbose_name="folder")),
                ("level", models.CharField(default="normal", max_length=10, verbose_name="level")),
                ("since", models.DateTimeField(default=django.utils.timezone.now, verbose_name="since")),
                ("is_making_room", models.BooleanField(default=False, verbose_name="recordings go early")),
            ],
            options={
                "verbose_name": "room for recordings",
                "verbose_name_plural": "room for recordings",
            },
        ),
        migrations.CreateModel(
            name="EarlyPurge",
            fields=[
                (
                    "camera",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="early_purge",
                        serialize=False,
                        to="cameras.camera",
                        verbose_name="camera",
                    ),
                ),
                ("until", models.DateTimeField(verbose_name="recordings gone until")),
                ("at", models.DateTimeField(verbose_name="last time")),
            ],
            options={
                "verbose_name": "early purge",
                "verbose_name_plural": "early purges",
                "ordering": ["-at"],
            },
        ),
        migrations.AddField(
            model_name="certificate",
            name="files",
            field=models.PositiveIntegerField(default=1, verbose_name="files"),
        ),
        migrations.AlterField(
            model_name="certificate",
            name="copy",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="certificate",
                to="viewing.providedcopy",
                verbose_name="copy",
            ),
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("period_from", models.DateTimeField(verbose_name="recorded from")),
                ("period_until", models.DateTimeField(verbose_name="recorded until")),
                ("reason", models.CharField(max_length=300, verbose_name="legal reason")),
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
                ("document_number", models.CharField(max_length=60, verbose_name="document number")),
                ("incident_number", models.CharField(blank=True, max_length=20, verbose_name="incident")),
                ("owner", models.CharField(max_length=100, verbose_name="person in charge")),
                ("ends_at", models.DateTimeField(verbose_name="held until")),
                ("review_at", models.DateTimeField(verbose_name="to be reviewed by")),
                ("reminded_at", models.DateTimeField(editable=False, null=True, verbose_name="reminded")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="placed"),
                ),
                ("ended_at", models.DateTimeField(editable=False, null=True, verbose_name="ended")),
                (
                    "release_reason",
                    models.CharField(blank=True, editable=False, max_length=300, verbose_name="reason of the release"),
                ),
                ("destroyed_at", models.DateTimeField(editable=False, null=True, verbose_name="copies destroyed")),
                (
                    "agency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="agencies.agency",
                        verbose_name="for the agency",
                    ),
                ),
                ("cameras", models.ManyToManyField(related_name="+", to="cameras.camera", verbose_name="cameras")),
                (
                    "created_by",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="placed by",
                    ),
                ),
                (
                    "released_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="released by",
                    ),
                ),
            ],
            options={
                "verbose_name": "hold",
                "verbose_name_plural": "holds",
                "ordering": ["-created_at"],
                "permissions": [
                    ("place_hold", "Can place holds"),
                    ("extend_hold", "Can review and extend holds"),
                    ("release_hold", "Can release holds before their end"),
                ],
            },
        ),
        migrations.AddField(
            model_name="certificate",
            name="hold",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="certificates",
                to="retention.hold",
                verbose_name="hold",
            ),
        ),
        migrations.AddConstraint(
            model_name="certificate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("copy", None), ("hold__isnull", False)),
                    models.Q(("copy__isnull", False), ("hold", None)),
                    _connector="OR",
                ),
                name="certificate_of_a_copy_or_a_hold",
            ),
        ),
        migrations.AddConstraint(
            model_name="certificate",
            constraint=models.UniqueConstraint(fields=("hold", "camera"), name="certificate_of_a_hold_once_a_camera"),
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(condition=models.Q(("ended_at", None)), fields=["ends_at"], name="hold_in_force"),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(("period_until__gt", models.F("period_from"))), name="hold_has_a_period"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(("review_at__lte", models.F("ends_at"))), name="hold_is_reviewed_before_its_end"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("release_reason", ""), ("released_by", None)),
                    models.Q(
                        ("ended_at__isnull", False),
                        ("released_by__isnull", False),
                        models.Q(("release_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="hold_released_by_whom_and_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(("destroyed_at", None), ("ended_at__isnull", False), _connector="OR"),
                name="hold_ends_before_its_copies",
            ),
        ),
    ]
