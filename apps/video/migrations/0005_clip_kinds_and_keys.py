import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("video", "0004_forgetting_a_day"),
    ]

    operations = [
        migrations.AddField(
            model_name="clip",
            name="changes_at",
            field=models.DateTimeField(null=True, verbose_name="format changes at"),
        ),
        migrations.AddField(
            model_name="clip",
            name="kind",
            field=models.CharField(
                choices=[("evidence", "Evidence"), ("viewing", "Viewing copy")],
                default="evidence",
                max_length=10,
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            model_name="clip",
            name="state",
            field=models.CharField(
                choices=[
                    ("queued", "Waiting"),
                    ("cutting", "Being cut"),
                    ("ready", "Ready"),
                    ("failed", "Failed"),
                    ("cancelled", "Cancelled"),
                    ("destroyed", "Destroyed"),
                ],
                default="queued",
                max_length=10,
                verbose_name="state",
            ),
        ),
        migrations.CreateModel(
            name="SigningKey",
            fields=[
                ("id", models.CharField(max_length=16, primary_key=True, serialize=False, verbose_name="key")),
                ("public", models.CharField(max_length=44, verbose_name="public key (Ed25519, base64)")),
                ("since", models.DateTimeField(default=django.utils.timezone.now, verbose_name="in use from")),
                ("until", models.DateTimeField(null=True, verbose_name="in use until")),
                ("compromised_at", models.DateTimeField(null=True, verbose_name="known to strangers from")),
            ],
            options={
                "verbose_name": "signing key",
                "verbose_name_plural": "signing keys",
                "ordering": ["-since"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("compromised_at", None), ("until__isnull", False), _connector="OR"),
                        name="compromised_key_is_out_of_use",
                    )
                ],
            },
        ),
    ]
