from django.db import migrations
from django.db.models import F


def keep_what_was_drawn(apps, _schema_editor):
    """Until now an area was always a drawing."""
    apps.get_model("mous", "Mou").objects.exclude(area=None).update(drawn=F("area"))


class Migration(migrations.Migration):
    dependencies = [("mous", "0005_provisions_by_hand")]

    operations = [migrations.RunPython(keep_what_was_drawn, migrations.RunPython.noop)]
