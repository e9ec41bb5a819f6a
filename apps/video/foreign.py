"""Cameras that our own reader does not understand, read by libav: more costly, and at home with more dialects."""

import struct
from collections.abc import Iterator
from time import monotonic

import av

from apps.video import reasons
from apps.video.fmp4 import TIMESCALE
from apps.video.nal import H264, H265, BadStream, sample
from apps.video.rtp import Shot
from apps.video.rtsp import Unusable

OPTIONS = {
    "rtsp_transport": "udp+tcp",
    "rtsp_flags": "prefer_tcp",
    "allowed_media_types": "video",  # sound is never even asked for
    "protocol_whitelist": "rtsp,rtsps,rtp,udp,tcp,tls,crypto",
    "probesize": "32768",
    "analyzeduration": "0",
    "fflags": "nobuffer",
}
CODECS = {"h264": H264, "hevc": H265}
# Producer reference time, as libav computes it from RTCP sender reports: microseconds since 1970.
REFERENCE_TIME = struct.Struct("=q")


class ForeignStream:
    """The same to a session as `network.Stream`."""

    def __init__(self, url: str, opening: float, patience: float):
        self._container = av.open(url, options=OPTIONS, timeout=(opening, patience))
        try:
            self._stream = self._video()
        except Unusable:
            self._container.close()
            raise
        context = self._stream.codec_context
        self.codec = CODECS[context.name]
        try:
            self.sets = sample(context.extradata or b"", self.codec)[2]
        except BadStream:
            self.sets = ()

    def _video(self) -> av.VideoStream:
        if not self._container.streams.video:
            raise Unusable(reasons.NO_VIDEO)
        stream = self._container.streams.video[0]
        if stream.codec_context is None or stream.codec_context.name not in CODECS:
            raise Unusable(reasons.CODEC)
        return stream

    def __iter__(self) -> Iterator[Shot]:
        scale = TIMESCALE * (self._stream.time_base or 0)
        for packet in self._container.demux(self._stream):
            if not packet.size:
                continue
            data, key, sets = sample(bytes(packet), self.codec)
            stamp = None if packet.dts is None else round(packet.dts * scale)
            offset = 0 if packet.pts is None or packet.dts is None else round((packet.pts - packet.dts) * scale)
            yield Shot(data, key, sets, stamp, monotonic(), date_by_camera(packet), offset)
        raise EOFError("the stream ends")

    def close(self) -> None:
        self._container.close()


def date_by_camera(packet: av.Packet) -> float | None:
    """Unix seconds at which the camera says it took this picture; None before its first sender report."""
    if not packet.has_sidedata("prft"):
        return None
    return REFERENCE_TIME.unpack_from(packet.get_sidedata("prft"))[0] / 1e6
