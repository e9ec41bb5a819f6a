from django.db import migrations

from apps.audit.append_only import grows_only


class Migration(migrations.Migration):
    dependencies = [
        ("viewing", "0005_night_findings"),
    ]

    operations = [
        # A view's end, why it ended, and what a sitting of looking back adds to it.
        grows_only(
            "viewing_viewlog",
            {
                "closed_at": "old.closed_at is null or new.closed_at >= old.closed_at",
                "closed_because": "old.closed_because in ('', new.closed_because)",
                "period_from": "new.period_from < old.period_from or new.period_from is not distinct from old.period_from",
                "period_until": "new.period_until > old.period_until or new.period_until is not distinct from old.period_until",
                "pictures": "new.pictures >= old.pictures",
            },
        ),
    ]
