from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0003_forwarding"),
    ]

    operations = [
        migrations.CreateModel(
            name="Repeat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.TextField()),
                ("what", models.TextField()),
                ("at", models.DateTimeField()),
            ],
        ),
    ]
