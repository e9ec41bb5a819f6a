import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0002_standing_right"),
        ("cameras", "0001_cameras"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="camera",
            name="camera_alive_location",
        ),
        migrations.RemoveIndex(
            model_name="camera",
            name="camera_rest_location",
        ),
        migrations.AddIndex(
            model_name="camera",
            index=django.contrib.postgres.indexes.GistIndex(
                models.F("location"),
                condition=models.Q(("status__in", ["standby", "normal", "caution"])),
                name="camera_alive_location",
            ),
        ),
        migrations.AddIndex(
            model_name="camera",
            index=django.contrib.postgres.indexes.GistIndex(
                models.F("location"),
                condition=models.Q(("status__in", ["off", "serious", "critical"])),
                name="camera_rest_location",
            ),
        ),
    ]
