"""What ffmpeg is told: to code recordings anew, with words in every picture.

It always runs at the lowest priority, and for as long only as whoever waits for it wants it.
"""

import logging
import os
import select
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unicodedata import east_asian_width

import ffmpeg
from django.conf import settings

from apps.video import reasons
from apps.video.fmp4 import TIMESCALE

logger = logging.getLogger(__name__)

POLITE = ["nice", "-n", "10", "ionice", "-c", "3", "ffmpeg"]
LOOK_EVERY_SECONDS = 0.1
# Words in a picture: at most this part of its height, and never too small to read.
LINES_IN_HEIGHT, SMALLEST_PIXELS = 22, 9
# Seconds that coding a second may take, at the lowest priority beside everything else.
PATIENCE = 8.0
CLOCK = "%Y-%m-%d %T %Z"


class Failed(Exception):
    """The clip cannot be made; the message is one of `reasons`."""


@dataclass(frozen=True)
class Work:
    """The recordings to read (an ffconcat listing), what of their time to show, and the file to write.

    `hidden`: seconds before the first picture wanted; `length`: seconds shown; `begins`: when the recordings begin.
    `touch(percent | None)` is called all the time and may raise to stop the work.
    """

    listing: Path
    target: Path
    begins: datetime
    hidden: float
    length: float
    number: str
    touch: Callable[[int | None], None]


def code(work: Work, *, size: tuple[int, int], lines: list[str]) -> None:
    """Coded anew as H.264, which every browser plays: `lines` at the top, the running time at the bottom.

    The time is the city's, picture by picture. Recordings of another size are fitted into `size`.
    """
    width, height = size
    video = ffmpeg.input(str(work.listing), f="concat", safe=0)["v:0"]
    video = video.filter("scale", width, height, force_original_aspect_ratio="decrease")
    video = video.filter("pad", width, height, -1, -1).filter("setsar", 1)
    words = work.listing.with_name("words.txt")
    words.write_text("\n".join(lines))
    longest = max(lines, key=_breadth, default="")
    video = _drawn(video, words, size, longest, y="text_h*0.2", expansion="none")
    clock = work.listing.with_name("clock.txt")
    clock.write_text(f"%{{pts:localtime:{work.begins.timestamp():.3f}:{CLOCK}}}")
    video = _drawn(video, clock, size, "0000-00-00 00:00:00 +0000", y="h-text_h*1.8")
    options = {
        "ss": f"{max(0.0, work.hidden - 0.004):.6f}",
        "c:v": "libx264",
        "preset": "veryfast",
        "crf": 24,
        "pix_fmt": "yuv420p",
        "threads": 1,
        "vsync": "vfr",
        "movflags": "+faststart",
    }
    _run(video.output(str(work.target), **options, **_container(work)), work)


def _drawn(video, text: Path, size: tuple[int, int], longest: str, **where):
    """The words of a file in the picture. They come from people, so none of them is taken for an instruction."""
    pixels = min(size[1] / LINES_IN_HEIGHT, size[0] * 0.95 / max(1.0, _breadth(longest)))
    look = {"fontcolor": "white", "box": 1, "boxcolor": "black@0.55", "boxborderw": 4, "x": "text_h*0.3"}
    font = {"fontfile": str(settings.BURNED_IN_FONT), "fontsize": max(SMALLEST_PIXELS, round(pixels))}
    return video.filter("drawtext", textfile=str(text), **font, **look, **where)


def _breadth(text: str) -> float:
    """In heights of a letter: Korean ones are as wide as high, others about half."""
    return sum(1.0 if east_asian_width(letter) in "WF" else 0.6 for letter in text)


def _container(work: Work) -> dict:
    return {
        "t": f"{work.length:.6f}",
        "video_track_timescale": TIMESCALE,
        "movie_timescale": TIMESCALE,
        "fflags": "+bitexact",
        "metadata:g:0": f"comment={work.number}",
        "metadata:g:1": f"creation_time={work.begins.astimezone(UTC).isoformat(timespec='milliseconds')}",
        "f": "mp4",
    }


def _run(output, work: Work) -> None:
    """Run ffmpeg, passing on how far it is; kill it when it takes longer than any healthy run, or is not wanted."""
    quiet = ["-nostdin", "-hide_banner", "-loglevel", "error", "-nostats", "-progress", "pipe:1"]
    command = output.global_args(*quiet).overwrite_output().compile(cmd=POLITE)
    said, give_up_at = work.listing.with_name("ffmpeg.log"), time.monotonic() + 60 + work.length * PATIENCE
    environment = {**os.environ, "TZ": settings.TIME_ZONE}
    with (
        said.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment) as process,  # noqa: S603
    ):
        try:
            while (reported := _reported(process.stdout)) is not None:
                work.touch(_percent(reported, work.length))
                if time.monotonic() > give_up_at:
                    raise Failed(reasons.TOO_SLOW)
            process.wait()
        finally:
            process.kill()
    if process.returncode:
        logger.error("ffmpeg ended with %s: %s", process.returncode, said.read_text(errors="replace").strip()[-500:])
        raise Failed(reasons.NOT_CUT)


def _reported(pipe) -> bytes | None:
    """What ffmpeg has said meanwhile; None when it has closed its mouth for good."""
    if not select.select([pipe], [], [], LOOK_EVERY_SECONDS)[0]:
        return b""
    return os.read(pipe.fileno(), 65536) or None


def _percent(progress: bytes, length: float) -> int | None:
    """The newest of the times that ffmpeg has reported, as part of the whole."""
    times = [line.partition(b"=")[2] for line in progress.splitlines() if line.startswith(b"out_time_us=")]
    if not times or not times[-1].lstrip(b"-").isdigit():
        return None
    return min(99, max(0, int(int(times[-1]) / 10_000 / length)))
