from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("retention", "0002_holds"),
    ]

    operations = [
        migrations.AddField(
            model_name="hold",
            name="taken_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="complete"),
        ),
    ]
