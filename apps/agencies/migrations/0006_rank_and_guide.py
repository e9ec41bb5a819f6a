from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0005_pledges_and_sign_ins"),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="rank",
            field=models.CharField(blank=True, max_length=40, verbose_name="rank or position"),
        ),
        migrations.AlterField(
            model_name="membership",
            name="role",
            field=models.CharField(
                choices=[
                    ("operator", "Operator"),
                    ("supervisor", "Supervisor"),
                    ("administrator", "Administrator"),
                    ("liaison", "Agency liaison"),
                    ("officer", "Field officer"),
                    ("owner", "Camera owner"),
                    ("auditor", "Auditor"),
                    ("guide", "Showroom guide"),
                ],
                max_length=20,
                verbose_name="role",
            ),
        ),
    ]
