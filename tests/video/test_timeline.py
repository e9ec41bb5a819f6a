from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.video.models import Segment
from apps.video.timeline import Gap, Span, gaps, spans

START = datetime(2026, 3, 8, 9, 30, tzinfo=UTC)
H264, H265 = "avc1.42c01e", "hvc1.1.6.L90.90"


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.fixture
def record(camera):
    """A row of the index, from and until in seconds after START."""

    def add(begins, ends, codec=H264, **details):
        Segment.objects.create(
            **{
                "camera": camera,
                "session": 1,
                "started_at": after(begins),
                "ended_at": after(ends),
                "bytes": 100,
                "init_bytes": 10,
                "codec": codec,
                "width": 640,
                "height": 360,
                "sha256": "0" * 64,
                "state": Segment.State.CLOSED,
                **details,
            }
        )

    return add


@pytest.mark.django_db
class TestSpans:
    def test_segments_that_join_are_one(self, record, camera, django_assert_num_queries):
        for begins in range(0, 600, 60):
            record(begins, begins + 59.9)
        with django_assert_num_queries(2):
            assert spans(camera.pk, START, after(3600)) == [Span(START, after(599.9), H264)]

    def test_a_gap_divides(self, record, camera):
        record(0, 60)
        record(75, 120)
        assert spans(camera.pk, START, after(600)) == [Span(START, after(60), H264), Span(after(75), after(120), H264)]

    def test_only_what_was_asked_for(self, record, camera):
        record(0, 60)
        record(60, 120)
        assert spans(camera.pk, after(30), after(90)) == [Span(after(30), after(90), H264)]
        assert spans(camera.pk, after(500), after(600)) == []

    def test_a_new_codec_begins_a_span(self, record, camera):
        record(0, 60)
        record(60, 120, H265)
        assert [span.codec for span in spans(camera.pk, START, after(600))] == [H264, H265]

    def test_the_growing_segment_counts_until_now(self, record, camera):
        now = timezone.now()
        seconds = (now - START).total_seconds()
        record(seconds - 30, 0, ended_at=None, sha256="", state=Segment.State.RECORDING)
        (span,) = spans(camera.pk, now - timedelta(minutes=5), now + timedelta(minutes=5))
        assert now <= span.ends < now + timedelta(seconds=5)

    def test_what_is_being_purged_is_gone(self, record, camera):
        record(0, 60, state=Segment.State.PURGING)
        assert spans(camera.pk, START, after(60)) == []


class TestGaps:
    def test_around_and_between(self):
        recorded = [Span(after(10), after(20), H264), Span(after(30), after(40), H264)]
        found = gaps(recorded, START, after(50), kept_since=START)
        assert [(gap.begins, gap.ends) for gap in found] == [
            (START, after(10)),
            (after(20), after(30)),
            (after(40), after(50)),
        ]
        assert not any(gap.deleted for gap in found)

    def test_the_jitter_of_arrival_is_none(self):
        recorded = [Span(START, after(10), H264), Span(after(10.3), after(20), H265)]
        assert gaps(recorded, START, after(20), kept_since=START) == []

    def test_nothing_at_all(self):
        assert gaps([], START, after(20), kept_since=START) == [Gap(START, after(20), deleted=False)]

    def test_what_was_deleted_is_told_from_what_never_was(self):
        found = gaps([], START, after(20), kept_since=after(5))
        assert found == [Gap(START, after(5), deleted=True), Gap(after(5), after(20), deleted=False)]
