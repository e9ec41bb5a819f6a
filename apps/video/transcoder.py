"""The program that codes one camera's pictures anew as H.264: `python -m apps.video.transcoder`, fed by `converting`.

It reads and writes the messages of `wire`: configuration and fragments in, the same out, a picture each. Small
pictures stay as they are, larger ones are brought down to what a tile shows. It has no settings and no database.
"""

import json
import os
import struct
import sys
from fractions import Fraction

import av
from av.video.frame import PictureType

from apps.video.fmp4 import (
    TIMESCALE,
    Sample,
    configuration_of,
    fragment_head,
    init_segment,
    samples_in,
)
from apps.video.nal import H264, sample, track_from

# As in `wire`, which needs settings.
HEADER = struct.Struct(">cId")
CONFIG, INIT, KEY, DELTA = b"C", b"I", b"K", b"D"
WIDEST = 1280
KEY_EVERY = 2 * TIMESCALE
WAITING = 120
OPTIONS = {"preset": "ultrafast", "tune": "zerolatency", "crf": "26", "forced-idr": "1", "maxrate": "2500k",
           "bufsize": "2500k", "x264-params": "scenecut=0:keyint=infinite"}  # fmt: skip


class Transcoder:
    def __init__(self, out):
        self._out = out
        self._decoder = self._encoder = None
        self._told: bytes | None = None
        self._waiting: dict[int, tuple[float, int]] = {}
        self._keyed_at, self._number = -KEY_EVERY, 0

    def hear(self, kind: bytes, payload: bytes, taken_at: float) -> None:
        if kind == INIT:
            codec, configuration = configuration_of(payload)
            self._decoder = av.CodecContext.create(codec, "r")
            self._decoder.extradata = configuration
            self._decoder.thread_count = 1
            self._decoder.options = {"flags": "low_delay"}
            self._encoder, self._told = None, None
        elif kind in (KEY, DELTA):
            for one in samples_in(payload):
                self._take(one, taken_at)

    def finish(self) -> None:
        """Nothing more comes: what the decoder kept back to put in order."""
        if self._decoder:
            self._code_all(None, 0.0, 0)

    def _take(self, one: Sample, taken_at: float) -> None:
        packet = av.Packet(one.data)
        packet.dts, packet.pts = one.at, one.at + one.offset
        self._waiting[packet.pts] = taken_at, one.duration
        if len(self._waiting) > WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._code_all(packet, taken_at, one.duration)

    def _code_all(self, packet: av.Packet | None, taken_at: float, length: int) -> None:
        try:
            frames = self._decoder.decode(packet)
        except av.FFmpegError:
            return  # the next keyframe mends it
        for frame in frames:
            self._code(frame, *self._waiting.pop(frame.pts, (taken_at, length)))

    def _code(self, frame: av.VideoFrame, taken_at: float, length: int) -> None:
        width = min(frame.width, WIDEST) // 2 * 2
        height = frame.height * width // frame.width // 2 * 2
        at, picture = frame.pts, frame.reformat(width, height, "yuv420p")
        self._encoder = self._encoder or _encoder(width, height)
        picture.pts, picture.time_base = at, Fraction(1, TIMESCALE)
        is_due = self._told is None or at - self._keyed_at >= KEY_EVERY or at < self._keyed_at
        picture.pict_type = PictureType.I if is_due else PictureType.NONE
        for packet in self._encoder.encode(picture):
            data, key, sets = sample(bytes(packet), H264)
            if key:
                self._keyed_at = at
                self._announce(sets)
            self._number += 1
            self._say(
                KEY if key else DELTA, fragment_head(self._number, [Sample(data, at, length, key)]) + data, taken_at
            )

    def _announce(self, sets: tuple[bytes, ...]) -> None:
        track = track_from(H264, sets)
        if track is None or (init := init_segment(track)) == self._told:
            return
        self._told = init
        self._say(CONFIG, json.dumps({"mime": track.mime}).encode(), 0.0)
        self._say(INIT, init, 0.0)

    def _say(self, kind: bytes, payload: bytes, taken_at: float) -> None:
        self._out.write(HEADER.pack(kind, len(payload), taken_at) + payload)
        self._out.flush()


def _encoder(width: int, height: int) -> av.CodecContext:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, TIMESCALE), Fraction(25)
    encoder.thread_count = 1
    encoder.options = dict(OPTIONS)
    return encoder


def main() -> None:
    """Until nobody sends any more."""
    os.nice(10)
    transcoder, source = Transcoder(sys.stdout.buffer), sys.stdin.buffer
    while len(head := source.read(HEADER.size)) == HEADER.size:
        kind, length, taken_at = HEADER.unpack(head)
        transcoder.hear(kind, source.read(length), taken_at)
    transcoder.finish()


if __name__ == "__main__":
    main()
