from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from apps.retention import actions
from apps.video.models import Segment
from apps.video.recording import path_of
from tests.cast import allow
from tests.video.conftest import roots  # noqa: F401

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def lay(roots):  # noqa: F811
    """Lay down a closed segment of a minute; its content tells camera and time, and is of no other concern."""

    def lay(camera, started: datetime, **details) -> Segment:
        content = f"{camera.pk} {started.isoformat()}".encode() * 20
        file = roots.VIDEO_ROOT / path_of(camera.pk, started)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        row = {
            "camera": camera,
            "session": 1,
            "started_at": started,
            "ended_at": started + timedelta(minutes=1),
            "bytes": len(content),
            "init_bytes": 10,
            "codec": "avc1.640016",
            "width": 640,
            "height": 360,
            "sha256": sha256(content).hexdigest(),
            "state": "closed",
        }
        return Segment.objects.create(**{**row, **details})

    return lay


@pytest.fixture
def hour(camera, lay):
    """Ten minutes of a camera, up to NOW."""
    return [lay(camera, NOW - timedelta(minutes=n)) for n in range(10, 0, -1)]


@pytest.fixture
def custodian(supervisor):
    """Who may place, extend and release holds."""
    return allow(supervisor, "place_hold", "extend_hold", "release_hold")


@pytest.fixture
def hold(custodian, police, django_capture_on_commit_callbacks):
    """Place a hold, as an investigation would ask for it."""

    def hold(*cameras, since=NOW - timedelta(minutes=5), until=NOW, **details):
        with django_capture_on_commit_callbacks(execute=True):
            return actions.hold(
                cameras,
                since,
                until,
                **{
                    "reason": "robbery at the bank",
                    "legal_ground": "investigation",
                    "document_number": "2026-1234",
                    "agency": police.agency,
                    "owner": "Inspector Kim",
                    "ends_at": datetime.now(UTC) + timedelta(days=90),
                    "by": custodian,
                    **details,
                },
            )

    return hold
