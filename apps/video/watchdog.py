"""Does what a camera sends reach its file? Asked from outside, of the disk itself."""

from pathlib import Path

from apps.video import reasons
from apps.video.feed import READ_SECONDS, Feed

PATIENCE = 10.0
SLOW_SYNC = 5.0


class Watchdog:
    """Looks at every feed once a beat. Not to be fooled by a writer who believes that all is well."""

    def __init__(self, root: Path):
        self._root = root
        self._seen: dict[int, tuple[object, float]] = {}

    def look(self, feed: Feed, now: float) -> str:
        """Why pictures of `feed` come but are not recorded, one of `reasons`; empty while they are, or none come."""
        writing_since = feed.writing_since
        if writing_since is not None and now - writing_since > PATIENCE:
            return reasons.DISK_HANGS
        if now - feed.pictured_at > READ_SECONDS:
            self._seen.pop(feed.camera_id, None)  # no picture: the feed itself says so
            return ""
        state = self._state(feed)
        known, since = self._seen.get(feed.camera_id, (None, now))
        if state != known:
            since = now
        self._seen[feed.camera_id] = state, since
        return reasons.NOT_GROWING if now - since > PATIENCE else ""

    def forget(self, camera_id: int) -> None:
        self._seen.pop(camera_id, None)

    def _state(self, feed: Feed) -> tuple[Path | None, int]:
        """The file that grows, by its name on the disk, and its size: a deleted file grows no more."""
        recording = feed.recording
        if recording is None:
            return None, -1
        try:
            return recording.path, (self._root / recording.path).stat().st_size
        except OSError:
            return recording.path, -1
