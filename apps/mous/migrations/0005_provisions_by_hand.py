import django.contrib.gis.db.models.fields
import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0003_words"),
        ("incidents", "0001_initial"),
        ("mous", "0004_agreements"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ProvisionRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="asked")),
                ("due_at", models.DateTimeField(verbose_name="answer due")),
                ("place", models.CharField(max_length=200, verbose_name="place")),
                (
                    "location",
                    django.contrib.gis.db.models.fields.PointField(
                        geography=True, null=True, srid=4326, verbose_name="position"
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
                                ("location", "Location of a person"),
                                ("person_card", "Person card"),
                            ],
                            max_length=20,
                        ),
                        size=None,
                        verbose_name="media kinds",
                    ),
                ),
                ("recorded_from", models.DateTimeField(verbose_name="video from")),
                ("recorded_until", models.DateTimeField(verbose_name="video until")),
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
                ("purpose", models.CharField(max_length=300, verbose_name="purpose")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "Asked"),
                            ("approved", "Approved"),
                            ("denied", "Denied"),
                            ("provided", "Provided"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="asked",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided")),
                ("decision", models.CharField(blank=True, max_length=300, verbose_name="reason of the decision")),
                ("chased_at", models.DateTimeField(null=True, verbose_name="chased")),
            ],
            options={
                "verbose_name": "request of an agency",
                "verbose_name_plural": "requests of agencies",
                "ordering": ["-asked_at"],
                "permissions": [("decide_request", "Can approve and deny requests")],
            },
        ),
        migrations.CreateModel(
            name="UrgentReview",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(verbose_name="due")),
                (
                    "verdict",
                    models.CharField(
                        blank=True,
                        choices=[("justified", "Justified"), ("unjustified", "Not justified")],
                        max_length=20,
                        verbose_name="verdict",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=1000, verbose_name="note")),
                ("reviewed_at", models.DateTimeField(null=True, verbose_name="reviewed")),
                ("escalated_at", models.DateTimeField(null=True, verbose_name="escalated")),
            ],
            options={
                "verbose_name": "review of a break-glass",
                "verbose_name_plural": "reviews of break-glass",
                "ordering": ["due_at"],
            },
        ),
        migrations.CreateModel(
            name="UseResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("helped", "It helped"),
                            ("no_help", "It did not help"),
                            ("arrest", "Arrest"),
                            ("rescued", "Person rescued"),
                            ("false_alarm", "False alarm"),
                        ],
                        max_length=20,
                        verbose_name="outcome",
                    ),
                ),
                ("text", models.TextField(blank=True, max_length=2000, verbose_name="in words")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="reported")),
            ],
            options={
                "verbose_name": "use result",
                "verbose_name_plural": "use results",
                "ordering": ["-at"],
            },
        ),
        migrations.AlterModelOptions(
            name="provision",
            options={
                "ordering": ["-starts_at"],
                "permissions": [
                    ("provide", "Can provide video by hand"),
                    ("revoke_provision", "Can revoke provisions"),
                    ("break_glass", "Can provide on the urgent ground at once"),
                    ("review_urgent", "Can review what was provided on the urgent ground"),
                ],
                "verbose_name": "provision",
                "verbose_name_plural": "provisions",
            },
        ),
        migrations.AddField(
            model_name="provision",
            name="document_number",
            field=models.CharField(blank=True, max_length=60, verbose_name="document number"),
        ),
        migrations.AddField(
            model_name="provision",
            name="opened_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="opened by",
            ),
        ),
        migrations.AddField(
            model_name="provision",
            name="way",
            field=models.CharField(
                choices=[
                    ("service", "Linked service"),
                    ("operator", "Opened by the centre"),
                    ("request", "At the agency’s request"),
                    ("urgent", "Break-glass"),
                ],
                default="service",
                max_length=10,
                verbose_name="opened by way of",
            ),
        ),
        migrations.AddField(
            model_name="provisioncamera",
            name="removed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="provision",
            name="incident",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="provisions",
                to="incidents.incident",
                verbose_name="incident",
            ),
        ),
        migrations.AlterField(
            model_name="provision",
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
            model_name="provision",
            name="mou",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="provisions",
                to="mous.mou",
                verbose_name="MOU",
            ),
        ),
        migrations.AlterField(
            model_name="provision",
            name="service",
            field=models.CharField(blank=True, max_length=40, verbose_name="service"),
        ),
        migrations.AlterField(
            model_name="provisioncamera",
            name="ring",
            field=models.CharField(blank=True, max_length=5),
        ),
        migrations.AddConstraint(
            model_name="provision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("way", "service"), _negated=True),
                    models.Q(("incident__isnull", False), ("mou__isnull", False)),
                    _connector="OR",
                ),
                name="provision_of_a_service_has_incident_and_mou",
            ),
        ),
        migrations.AddConstraint(
            model_name="provision",
            constraint=models.CheckConstraint(
                condition=models.Q(("way", "service"), ("opened_by__isnull", False), _connector="OR"),
                name="provision_by_hand_says_by_whom",
            ),
        ),
        migrations.AddConstraint(
            model_name="provision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("way", "operator"), _negated=True), ("mou__isnull", False), _connector="OR"
                ),
                name="provision_by_operator_has_mou",
            ),
        ),
        migrations.AddConstraint(
            model_name="provision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("way", "urgent"), _negated=True), ("legal_ground", "urgent"), _connector="OR"
                ),
                name="break_glass_is_on_the_urgent_ground",
            ),
        ),
        migrations.AddField(
            model_name="provisionrequest",
            name="agency",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="requests",
                to="agencies.agency",
                verbose_name="agency",
            ),
        ),
        migrations.AddField(
            model_name="provisionrequest",
            name="asked_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="asked by",
            ),
        ),
        migrations.AddField(
            model_name="provisionrequest",
            name="decided_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="decided by",
            ),
        ),
        migrations.AddField(
            model_name="provisionrequest",
            name="incident",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="incidents.incident",
                verbose_name="incident",
            ),
        ),
        migrations.AddField(
            model_name="provisionrequest",
            name="provision",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="request",
                to="mous.provision",
                verbose_name="provision",
            ),
        ),
        migrations.AddField(
            model_name="urgentreview",
            name="provision",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="urgent_review",
                to="mous.provision",
                verbose_name="provision",
            ),
        ),
        migrations.AddField(
            model_name="urgentreview",
            name="reviewed_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="reviewed by",
            ),
        ),
        migrations.AddField(
            model_name="useresult",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="reported by",
            ),
        ),
        migrations.AddField(
            model_name="useresult",
            name="provision",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="result",
                to="mous.provision",
                verbose_name="provision",
            ),
        ),
        migrations.AddConstraint(
            model_name="provisionrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("recorded_until__gt", models.F("recorded_from"))),
                name="request_ends_after_it_starts",
            ),
        ),
        migrations.AddConstraint(
            model_name="provisionrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["asked", "withdrawn"]),
                    models.Q(("decided_at__isnull", False), ("decided_by__isnull", False)),
                    _connector="OR",
                ),
                name="request_decided_by_and_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="provisionrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "denied"), _negated=True),
                    models.Q(("decision", ""), _negated=True),
                    _connector="OR",
                ),
                name="denial_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="provisionrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("provision", None), ("state", "provided"), _connector="OR"),
                name="request_provided_with_provision",
            ),
        ),
        migrations.AddConstraint(
            model_name="urgentreview",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reviewed_at", None), ("reviewed_by", None), ("verdict", "")),
                    models.Q(
                        ("reviewed_at__isnull", False),
                        ("reviewed_by__isnull", False),
                        models.Q(("verdict", ""), _negated=True),
                        models.Q(("note", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="reviewed_by_with_verdict",
            ),
        ),
    ]
