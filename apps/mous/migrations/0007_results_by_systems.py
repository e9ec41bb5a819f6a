import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0006_rank_and_guide"),
        ("mous", "0006_areas_drawn"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="mou",
            options={
                "ordering": ["-starts_at"],
                "permissions": [
                    ("review_mou", "Can review MOUs"),
                    ("sign_mou", "Can sign MOUs"),
                    ("suspend_mou", "Can suspend and revoke MOUs"),
                    ("give_watching", "Can give groups cameras to watch"),
                ],
                "verbose_name": "MOU",
                "verbose_name_plural": "MOUs",
            },
        ),
        migrations.AddField(
            model_name="useresult",
            name="key",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="agencies.apikey",
                verbose_name="system",
            ),
        ),
        migrations.AlterField(
            model_name="useresult",
            name="by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="reported by",
            ),
        ),
        migrations.AddConstraint(
            model_name="useresult",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("by", None), ("key__isnull", False)),
                    models.Q(("by__isnull", False), ("key", None)),
                    _connector="OR",
                ),
                name="result_by_somebody",
            ),
        ),
    ]
