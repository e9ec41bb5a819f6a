import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("viewing", "0002_looking_back"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="providedcopy",
            name="chased_at",
            field=models.DateTimeField(null=True, verbose_name="chased"),
        ),
        migrations.AddField(
            model_name="providedcopy",
            name="confirmed_at",
            field=models.DateTimeField(null=True, verbose_name="destruction confirmed"),
        ),
        migrations.AddField(
            model_name="providedcopy",
            name="confirmed_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="destruction confirmed by",
            ),
        ),
        migrations.AddField(
            model_name="providedcopy",
            name="taken_at",
            field=models.DateTimeField(null=True, verbose_name="first taken"),
        ),
    ]
