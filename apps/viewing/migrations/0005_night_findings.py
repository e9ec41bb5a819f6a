from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("viewing", "0004_monthly_checks"),
    ]

    operations = [
        migrations.AlterField(
            model_name="finding",
            name="kind",
            field=models.CharField(
                choices=[
                    ("downloads", "Downloads: is the reason confirmed?"),
                    ("night", "Many views at night without an incident"),
                    ("night_clips", "Downloads at night: is the reason confirmed?"),
                    ("night_often", "Far more views of incidents at night than others"),
                    ("no_incident", "Many views without an incident"),
                    ("one_camera", "One camera watched often without an incident"),
                    ("one_person", "One person searched for often"),
                    ("refused", "Many refusals"),
                ],
                max_length=12,
                verbose_name="kind",
            ),
        ),
    ]
