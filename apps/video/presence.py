"""Which recorders of this host still run: each holds a lock that the kernel lets go of when the process dies."""

import fcntl
import logging
import os
import uuid
from pathlib import Path

logger = logging.getLogger(__name__)


class Presence:
    """A locked file beside the recordings, named after the recorder. One that is stopped, but alive, keeps its lock.

    Recorders that write to other disks are not seen; their silence in the database tells.
    """

    def __init__(self, root: Path, recorder_id: uuid.UUID):
        self._folder = root / ".recorders"
        self._name = str(recorder_id)
        self._fd = -1

    def show(self) -> None:
        """Lock first, then take the name: nobody may find the file unlocked while its recorder lives."""
        draft = self._folder / f"{self._name}.new"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            draft.rename(self._folder / self._name)
        except OSError as error:  # a full or read-only disk: the others must wait for this one's silence
            logger.warning("recorder %s cannot show that it runs: %s", self._name, error)

    def end(self) -> None:
        if self._fd >= 0:
            self.forget([uuid.UUID(self._name)])
            os.close(self._fd)

    def find_dead(self) -> list[uuid.UUID]:
        """Recorders that left their file but hold no lock on it."""
        try:
            names = [entry.name for entry in os.scandir(self._folder) if not entry.name.endswith(".new")]
        except OSError:
            return []
        return [uuid.UUID(name) for name in names if name != self._name and self._is_free(name)]

    def forget(self, recorders: list[uuid.UUID]) -> None:
        for recorder_id in recorders:
            try:
                (self._folder / str(recorder_id)).unlink(missing_ok=True)
            except OSError as error:
                logger.warning("the file of recorder %s stays: %s", recorder_id, error)

    def _is_free(self, name: str) -> bool:
        try:
            fd = os.open(self._folder / name, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(fd)
        return True
