import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0008_names_that_fit_records"),
    ]

    operations = [
        migrations.AddField(
            model_name="signin",
            name="touched_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="last touched"
            ),
        ),
    ]
