"""RTP and RTCP as far as a camera speaks them: RFC 3550, 6184 (H.264), 7798 (H.265), 3551 (PCMU)."""

import itertools
import struct

MAX_PAYLOAD = 1400
NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970


def h264_payloads(nal: bytes) -> list[bytes]:
    """One NAL unit as payloads: itself, or FU-A fragments."""
    if len(nal) <= MAX_PAYLOAD:
        return [nal]
    return _fragments(nal[1:], bytes([nal[0] & 0xE0 | 28]), nal[0] & 0x1F)


def h265_payloads(nal: bytes) -> list[bytes]:
    if len(nal) <= MAX_PAYLOAD:
        return [nal]
    return _fragments(nal[2:], bytes([nal[0] & 0x81 | 49 << 1, nal[1]]), nal[0] >> 1 & 0x3F)


def _fragments(body: bytes, indicator: bytes, kind: int) -> list[bytes]:
    size = MAX_PAYLOAD - len(indicator) - 1
    starts = range(0, len(body), size)
    return [
        indicator
        + bytes([kind | (0x80 if at == 0 else 0) | (0x40 if at + size >= len(body) else 0)])
        + body[at : at + size]
        for at in starts
    ]


PAYLOADS = {"h264": h264_payloads, "h265": h265_payloads}


class Track:
    """One RTP source: numbers its packets and says which wall-clock time a timestamp means.

    All readers of a stream get the same packets, so numbering belongs to the stream, not to the reader.
    """

    def __init__(self, *, payload_type: int, rate: int, ssrc: int, offset: int = 0):
        self.payload_type, self.rate, self.ssrc, self.offset = payload_type, rate, ssrc, offset
        self.sequence = ssrc & 0xFFFF
        self.sent = self.octets = 0

    def timestamp(self, at: float) -> int:
        return round(at * self.rate) + self.offset & 0xFFFFFFFF

    def packets(self, payloads: list[bytes], at: float, *, marker: bool = True) -> list[bytes]:
        """Packets of one picture or one piece of sound taken at unix time `at`."""
        stamp, last = self.timestamp(at), len(payloads) - 1
        packets = [
            struct.pack(
                "!BBHII",
                0x80,
                self.payload_type | (0x80 if marker and i == last else 0),
                self.sequence + i & 0xFFFF,
                stamp,
                self.ssrc,
            )
            + payload
            for i, payload in enumerate(payloads)
        ]
        self.sequence = self.sequence + len(packets) & 0xFFFF
        self.sent += len(packets)
        self.octets += sum(map(len, payloads))
        return packets

    def report(self, now: float) -> bytes:
        """A sender report with the NTP time of `now`, and the name RFC 3550 wants beside it."""
        seconds = int(now)
        sender = struct.pack(
            "!BBHIIIIII",
            0x80,
            200,
            6,
            self.ssrc,
            seconds + NTP_EPOCH & 0xFFFFFFFF,
            int((now - seconds) * 2**32),
            self.timestamp(now),
            self.sent & 0xFFFFFFFF,
            self.octets & 0xFFFFFFFF,
        )
        name = b"virtual-camera"
        items = bytes([1, len(name)]) + name + b"\0"
        items += bytes(-len(items) % 4)
        return sender + struct.pack("!BBHI", 0x81, 202, 1 + len(items) // 4, self.ssrc) + items

    def farewell(self) -> bytes:
        return struct.pack("!BBHI", 0x81, 203, 1, self.ssrc)


def interleaved(packets: list[bytes], channel: int) -> bytes:
    """Packets framed for the RTSP connection itself (RFC 2326, 10.12)."""
    head = (struct.pack("!cBH", b"$", channel, len(packet)) for packet in packets)
    return b"".join(itertools.chain.from_iterable(zip(head, packets, strict=True)))
