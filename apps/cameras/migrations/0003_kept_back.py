from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0003_words"),
        ("cameras", "0002_words"),
    ]

    operations = [
        migrations.AddField(
            model_name="camera",
            name="excluded_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="kept back since"),
        ),
        migrations.AddField(
            model_name="camera",
            name="excluded_reason",
            field=models.CharField(blank=True, editable=False, max_length=300, verbose_name="kept back because"),
        ),
        migrations.AddConstraint(
            model_name="camera",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("excluded_at", None), ("excluded_reason", "")),
                    models.Q(("excluded_at__isnull", False), models.Q(("excluded_reason", ""), _negated=True)),
                    _connector="OR",
                ),
                name="camera_kept_back_with_reason",
            ),
        ),
    ]
