from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mous", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="provisioncamera",
            name="turn_deg",
            field=models.FloatField(null=True),
        ),
        migrations.AlterField(
            model_name="provisioncamera",
            name="bearing_deg",
            field=models.FloatField(null=True),
        ),
    ]
