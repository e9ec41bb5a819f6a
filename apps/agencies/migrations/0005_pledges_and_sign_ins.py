import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0004_keys"),
    ]

    operations = [
        migrations.CreateModel(
            name="Pledge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField(verbose_name="words")),
                ("given_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="given")),
                ("valid_until", models.DateTimeField(verbose_name="valid until")),
                ("address", models.GenericIPAddressField(null=True, verbose_name="from address")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pledges",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "pledge of confidentiality",
                "verbose_name_plural": "pledges of confidentiality",
                "ordering": ["-given_at"],
            },
        ),
        migrations.CreateModel(
            name="SignIn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("session_key", models.CharField(editable=False, max_length=40, unique=True)),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="signed in")),
                ("address", models.GenericIPAddressField(null=True, verbose_name="from address")),
                ("browser", models.CharField(blank=True, max_length=200, verbose_name="browser")),
                ("locked_at", models.DateTimeField(null=True, verbose_name="locked")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="ended")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sign_ins",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "sign-in",
                "verbose_name_plural": "sign-ins",
                "ordering": ["-at"],
                "indexes": [models.Index(fields=["user", "at"], name="sign_in_of_user")],
            },
        ),
    ]
