import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import apps.agencies.models


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0003_words"),
    ]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="expires_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="expires"),
        ),
        migrations.AddField(
            model_name="apikey",
            name="must_sign",
            field=models.BooleanField(
                default=False, help_text="The secret itself is never sent then.", verbose_name="must sign each request"
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="networks",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=50, validators=[apps.agencies.models.is_network]),
                blank=True,
                default=list,
                help_text="Separated by commas, such as 10.1.0.0/16. Empty: from anywhere.",
                size=None,
                verbose_name="from these networks only",
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="replaces",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="agencies.apikey",
                verbose_name="replaces",
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("intake", "Send calls and move its own incidents on"),
                        ("read", "See cameras, video and incidents"),
                        ("events", "Hear what changes"),
                    ],
                    max_length=10,
                ),
                default=apps.agencies.models.every_scope,
                size=None,
                verbose_name="may",
            ),
        ),
        migrations.CreateModel(
            name="UsedNonce",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("nonce", models.CharField(max_length=64)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True)),
                (
                    "key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="agencies.apikey"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("key", "nonce"), name="nonce_used_once")],
            },
        ),
    ]
