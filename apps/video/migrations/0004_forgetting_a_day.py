from django.db import migrations

from apps.video.partitions import functions

OVER, UNFINISHED = "r.state = 'closed' and r.ended_at < m.removed", "r.state = 'recording'"


class Migration(migrations.Migration):
    dependencies = [
        ("video", "0003_held_segments"),
    ]

    operations = [
        migrations.RunSQL(
            "drop function if exists video_segment_drop_day;"
            + functions("video_segment", key="started_at", over=OVER, unfinished=UNFINISHED)
        ),
    ]
