from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cameras", "0003_kept_back"),
        ("video", "0009_one_write_a_move"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="clip",
            index=models.Index(
                condition=models.Q(("claim__isnull", False)), fields=["touched_at"], name="clip_in_hands"
            ),
        ),
    ]
