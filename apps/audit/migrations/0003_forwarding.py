from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0002_words"),
    ]

    operations = [
        migrations.CreateModel(
            name="Forwarding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(max_length=200, unique=True)),
                ("position", models.BigIntegerField(default=0)),
            ],
        ),
    ]
