import django.db.models.deletion
import django.db.models.lookups
from django.db import migrations, models

import apps.video.fields
from apps.video.partitions import kept_by_day

# Columns stand in the order of their width, so that nothing is lost to alignment: 216 million rows are kept.
TABLE = """
alter table video_segment rename to video_segment_before;
alter index segment_unfinished rename to segment_unfinished_before;

create table video_segment (
    camera_id bigint not null,
    started_at timestamp(3) with time zone not null,
    ended_at timestamp with time zone,
    session bigint not null,
    bytes bigint not null,
    init_bytes integer not null check (init_bytes >= 0),
    width smallint not null check (width >= 0),
    height smallint not null check (height >= 0),
    recorder uuid,
    sha256 bytea not null,
    codec varchar(40) not null,
    state varchar(10) not null,
    store varchar(8) not null,
    primary key (camera_id, started_at),
    constraint closed_segment_is_whole
        check (state = 'recording' or octet_length(sha256) = 32 and bytes > 0 and ended_at is not null),
    constraint segment_ends_after_its_start check (ended_at is null or ended_at > started_at)
) partition by range (started_at);
create index segment_unfinished on video_segment (state) where state <> 'closed';
"""

# The name of a file is its time; what the row said besides was finer by less than a millisecond.
ROWS = """
create temporary table moved on commit drop as
select camera_id,
       ((substring(path from '/([0-9]{8})/') || 'T' || substring(path from '/([0-9]{6}[.][0-9]{3})Z'))::timestamp
        at time zone 'utc')::timestamptz(3) as started_at,
       ended_at, session, bytes, init_bytes, least(width, 32767) as width, least(height, 32767) as height,
       case when state = 'recording' then recorder end as recorder, decode(sha256, 'hex') as sha256, codec, state,
       'local' as store
  from video_segment_before;
select video_segment_make_day(day::date)
  from (select distinct started_at at time zone 'utc' as day from moved) days
 where day::date between (now() at time zone 'utc')::date - 3660 and (now() at time zone 'utc')::date + 8;
insert into video_segment select * from moved;
drop table video_segment_before;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cameras", "0002_words"),
        ("video", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="PurgeMark",
            fields=[
                (
                    "camera",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="purge_mark",
                        serialize=False,
                        to="cameras.camera",
                    ),
                ),
                ("until", models.DateTimeField(verbose_name="purged until")),
                ("removed", models.DateTimeField(default=apps.video.fields.EPOCH, verbose_name="removed until")),
            ],
            options={
                "verbose_name": "purge mark",
                "verbose_name_plural": "purge marks",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("removed__lte", models.F("until"))), name="nothing_is_removed_unmarked"
                    ),
                ],
            },
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(TABLE),
                kept_by_day(
                    "video_segment",
                    key="started_at",
                    over="r.state = 'closed' and r.ended_at < m.removed",
                    unfinished="r.state = 'recording'",
                ),
                migrations.RunSQL(ROWS),
            ],
            state_operations=[
                migrations.DeleteModel(name="Segment"),
                migrations.CreateModel(
                    name="Segment",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "camera_id",
                                "started_at",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("started_at", apps.video.fields.MillisecondField(verbose_name="from")),
                        ("ended_at", models.DateTimeField(null=True, verbose_name="until")),
                        ("session", models.BigIntegerField(editable=False)),
                        ("recorder", models.UUIDField(editable=False, null=True)),
                        ("bytes", models.BigIntegerField(default=0)),
                        ("init_bytes", models.PositiveIntegerField()),
                        ("width", models.PositiveSmallIntegerField()),
                        ("height", models.PositiveSmallIntegerField()),
                        ("sha256", apps.video.fields.HexField(blank=True, default="")),
                        ("codec", models.CharField(max_length=40)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("recording", "Being recorded"),
                                    ("closed", "Closed"),
                                    ("purging", "Being purged"),
                                ],
                                default="recording",
                                max_length=10,
                            ),
                        ),
                        (
                            "store",
                            models.CharField(
                                choices=[("local", "This machine"), ("objects", "Object storage")],
                                default="local",
                                max_length=8,
                            ),
                        ),
                        (
                            "camera",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="segments",
                                to="cameras.camera",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "segment",
                        "verbose_name_plural": "segments",
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state", "closed"), _negated=True),
                                fields=["state"],
                                name="segment_unfinished",
                            ),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("state", "recording"),
                                    models.Q(
                                        django.db.models.lookups.Exact(
                                            models.Func(
                                                "sha256",
                                                function="octet_length",
                                                output_field=models.IntegerField(),
                                            ),
                                            32,
                                        ),
                                        ("bytes__gt", 0),
                                        ("ended_at__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="closed_segment_is_whole",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("ended_at__isnull", True),
                                    ("ended_at__gt", models.F("started_at")),
                                    _connector="OR",
                                ),
                                name="segment_ends_after_its_start",
                            ),
                        ],
                    },
                ),
            ],
        ),
    ]
