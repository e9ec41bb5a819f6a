from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0001_initial"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="agency",
            options={
                "ordering": ["code"],
                "permissions": [("watch_cameras", "Can watch the cameras of this agency under a standing right")],
                "verbose_name": "agency",
                "verbose_name_plural": "agencies",
            },
        ),
    ]
