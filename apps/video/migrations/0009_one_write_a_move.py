import django.contrib.postgres.fields
from django.db import migrations, models

# What an earlier release had begun to move is whole in the object store.
BOTH = """
insert into video_leaving (cameras, starts)
select array_agg(camera_id), array_agg(started_at) from video_segment where store = 'both' having count(*) > 0;
update video_segment set store = 'objects' where store = 'both'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("video", "0008_hours_on_disk"),
    ]

    operations = [
        migrations.CreateModel(
            name="Leaving",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cameras", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("starts", django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), size=None)),
            ],
        ),
        migrations.RunSQL(BOTH, migrations.RunSQL.noop),
        migrations.RemoveIndex(
            model_name="segment",
            name="segment_moving",
        ),
        migrations.AlterField(
            model_name="heldsegment",
            name="store",
            field=models.CharField(
                choices=[("local", "This machine"), ("objects", "Object storage")], default="local", max_length=8
            ),
        ),
        migrations.AlterField(
            model_name="segment",
            name="store",
            field=models.CharField(
                choices=[("local", "This machine"), ("objects", "Object storage")], default="local", max_length=8
            ),
        ),
    ]
