"""Hundreds of virtual cameras and real recorder processes on a database of their own, and what can be told of them."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
from django.conf import settings
from django.db import connection

from apps.agencies.models import Agency
from apps.cameras.models import Camera
from apps.video.fmp4 import TIMESCALE
from apps.video.models import Segment
from daejeon_soc.up import ports
from tests.cast import make_agency, make_camera
from tests.waiting import until

MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """What a process has worked so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


@dataclass
class Program:
    """A process that is started, watched and, at the latest with the rig, ended."""

    process: subprocess.Popen

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def lives(self) -> bool:
        return self.process.poll() is None

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, seconds: float = 15) -> int:
        """Stop it as a service manager would; how it ended."""
        if self.lives:
            self.tell(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)

    def megabytes(self) -> float:
        """Memory it has to itself, and its share of what it shares (PSS)."""
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@dataclass
class Rig:
    """One database, one folder of recordings, any number of programs."""

    folder: Path
    _stack: ExitStack
    recorders: list[Program] = field(default_factory=list)

    @property
    def video(self) -> Path:
        return self.folder / "video"

    def start(self, command: list[str], **environment: str) -> Program:
        log = self._stack.enter_context((self.folder / "programs.log").open("ab"))
        given = {**os.environ, "VAR_DIR": str(self.folder), "VIDEO_ROOT": str(self.video), **environment}
        program = Program(subprocess.Popen(command, env=given, stdout=log, stderr=log, stdin=subprocess.DEVNULL))
        self._stack.callback(program.end)
        return program

    def street(self, cameras: int, *, size: str = "640x360") -> Callable[[str], str]:
        """A program of looped virtual cameras; gives the address of a path."""
        port = ports.choose(besides=set())
        words = ["--port", str(port), "--cameras", str(cameras), "--size", size, "--fps", "15", "--looped"]
        self.start([*MANAGE, "virtual_cameras", *words])
        until(lambda: not ports.is_free(port), "virtual cameras", within=30)
        return lambda path: f"rtsp://127.0.0.1:{port}{path}"

    def cameras(self, addresses: list[str]) -> list[Camera]:
        owner = Agency.objects.first() or make_agency("rig")
        return [make_camera(owner, rtsp_url=address, status="standby") for address in addresses]

    @property
    def database(self) -> dict[str, str]:
        base = connection.settings_dict
        url = f"postgis://{base['USER']}:{base['PASSWORD']}@{base['HOST']}:{base['PORT']}/{base['NAME']}"
        return {"DATABASE_URL": url, "OWNER_DATABASE_URL": url}

    def recorder(self, capacity: int, **environment: str) -> Program:
        words = [*MANAGE, "record", "--capacity", str(capacity)]
        program = self.start(words, **{**self.database, **environment})
        self.recorders.append(program)
        return program

    def log(self) -> str:
        return (self.folder / "programs.log").read_text(errors="replace")


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        built = Rig(folder, stack)
        built.video.mkdir()
        try:
            yield built
        except AssertionError:
            print(built.log()[-4000:])
            raise


# --- what was recorded ---


@dataclass(frozen=True)
class Count:
    """Pictures of some cameras: how many stand in the files, how many are missing between them, and where."""

    pictures: int
    missing: int
    where: tuple[str, ...] = ()


def count(segments: Iterable[Segment], video: Path) -> Count:
    """What stands in `segments` below the folder `video`.

    Between two connections nothing is counted: what was not asked for cannot be lost.
    """
    ordered = sorted(segments, key=lambda one: (one.camera_id, one.session, one.started_at))
    sessions = itertools.groupby(ordered, key=lambda one: (one.camera_id, one.session))
    return total(count_files([video / part.path for part in parts]) for _session, parts in sessions)


def total(counts: Iterable[Count]) -> Count:
    counts = list(counts)
    return Count(
        sum(one.pictures for one in counts),
        sum(one.missing for one in counts),
        tuple(itertools.chain.from_iterable(one.where for one in counts)),
    )


def count_files(files: list[Path], *, fps: int = 15) -> Count:
    """Pictures of one connection. Exact: a virtual camera's timestamps stand on a grid, so one that is missing
    leaves a wider step."""
    times = [(at, f"{file}, picture {n}") for file in files for n, at in enumerate(decode_times(file))]
    step = TIMESCALE // fps
    holes = [
        (round((later - at) / step) - 1, where)
        for (at, _), (later, where) in itertools.pairwise(times)
        if later - at > 1.5 * step
    ]
    return Count(len(times), sum(missing for missing, _ in holes), tuple(where for _, where in holes))


def decode_times(file: Path) -> list[int]:
    """Decoding time of every picture of a file, in ticks, as libav reads it."""
    with av.open(str(file)) as container:
        scale = container.streams.video[0].time_base * TIMESCALE
        return [round(packet.dts * scale) for packet in container.demux(video=0) if packet.size]


def overlaps(segments: list[Segment]) -> list[tuple[Segment, Segment]]:
    """Pairs of one camera that claim the same moment."""
    ordered = sorted(segments, key=lambda one: (one.camera_id, one.started_at))
    return [
        (before, after)
        for before, after in itertools.pairwise(ordered)
        if before.camera_id == after.camera_id and before.ended_at and before.ended_at > after.started_at
    ]
