import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("retention", "0003_hold_complete"),
    ]

    operations = [
        migrations.CreateModel(
            name="Look",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("began_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="began")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished")),
                ("is_daily", models.BooleanField(default=False, verbose_name="daily")),
                ("reached", models.BigIntegerField(default=0, verbose_name="reached")),
                ("found", models.JSONField(default=dict, verbose_name="found")),
            ],
            options={
                "verbose_name": "look at index and disk",
                "verbose_name_plural": "looks at index and disk",
            },
        ),
    ]
