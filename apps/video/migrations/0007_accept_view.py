from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("video", "0006_camera_alarms"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="usualview",
            options={
                "permissions": [("accept_view", "Can accept a camera's new view")],
                "verbose_name": "usual view",
                "verbose_name_plural": "usual views",
            },
        ),
    ]
