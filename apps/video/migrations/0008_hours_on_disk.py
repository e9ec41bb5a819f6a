from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("video", "0007_accept_view"),
    ]

    operations = [
        migrations.CreateModel(
            name="HourOnDisk",
            fields=[
                ("hour", models.DateTimeField(primary_key=True, serialize=False, verbose_name="hour")),
                ("bytes", models.BigIntegerField(verbose_name="bytes")),
                ("at", models.DateTimeField(verbose_name="summed")),
            ],
            options={
                "verbose_name": "recordings of an hour on disk",
                "verbose_name_plural": "recordings of an hour on disk",
            },
        ),
    ]
