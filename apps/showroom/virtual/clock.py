"""A clock that machines read from the picture, to measure delay from glass to glass.

The strip lies on the bottom edge of the picture, over its whole width, as one row of 64 square cells.
A cell is `width / 64` pixels wide and high: 10 px at 640x360, 20 px at 1280x720. Light is 1, dark is 0.

    cells  0-3   1 0 1 0      start mark; also tells a reader what light and dark are here
    cells  4-51  48 bits      milliseconds since 1970-01-01 UTC, most significant bit first
    cells 52-59   8 bits      CRC-8 (polynomial 0x07, start 0) over the 6 bytes of the number
    cells 60-63  0 1 0 1      end mark

To read: take the brightness at each cell's centre (better: the mean of its inner half), put the threshold
halfway between the marks' light and dark cells, check both marks and the CRC. In a browser:

    context.drawImage(video, 0, 0)                      // canvas of videoWidth x videoHeight
    const size = canvas.width / 64, top = canvas.height - size
    const p = context.getImageData(0, top + size / 2, canvas.width, 1).data
    const light = i => p[4 * Math.floor((i + 0.5) * size) + 1]
    const limit = (light(0) + light(1) + light(2) + light(3)) / 4
    let ms = 0; for (let i = 4; i < 52; i++) ms = ms * 2 + (light(i) > limit ? 1 : 0)
    const delay = Date.now() - ms

A strip that does not hold a time (a looped stream) is all dark and reads as None.
"""

import numpy as np

CELLS = 64
START, END = (1, 0, 1, 0), (0, 1, 0, 1)
DARK, LIGHT = 30, 200  # luma; far enough apart for any encoder, quieter to the eye than black on white


def crc8(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ 0x07 if value & 0x80 else value << 1) & 0xFF
    return value


def encode(ms: int) -> list[int]:
    """The 64 cells for a time in milliseconds."""
    number = ms.to_bytes(6, "big")
    body = number + bytes([crc8(number)])
    return [*START, *(byte >> shift & 1 for byte in body for shift in range(7, -1, -1)), *END]


def decode(bits: list[int]) -> int | None:
    """The milliseconds in 64 cells, or None when marks or check do not agree."""
    if tuple(bits[:4]) != START or tuple(bits[-4:]) != END:
        return None
    body = np.packbits(np.array(bits[4:-4], np.uint8)).tobytes()
    return int.from_bytes(body[:6], "big") if crc8(body[:6]) == body[6] else None


def draw(luma: np.ndarray, ms: int | None) -> None:
    """Write the strip into a luma plane (height, width); `None` leaves it dark."""
    cell = luma.shape[1] // CELLS
    strip = luma[-cell:]
    strip[:] = DARK
    if ms is not None:
        strip[:, : cell * CELLS] = np.repeat(np.where(encode(ms), LIGHT, DARK).astype(np.uint8), cell)


def read(picture) -> int | None:
    """Milliseconds shown in a picture: an array (height, width[, 3]) or a Pillow image. None if unreadable."""
    grey = np.asarray(picture, dtype=np.float32)
    if grey.ndim == 3:
        grey = grey[..., :3].mean(axis=2)
    cell = grey.shape[1] / CELLS
    top = grey.shape[0] - cell
    rows = grey[round(top + cell * 0.25) : round(top + cell * 0.75)].mean(axis=0)
    levels = [rows[round((i + 0.25) * cell) : round((i + 0.75) * cell)].mean() for i in range(CELLS)]
    light, dark = (levels[0] + levels[2]) / 2, (levels[1] + levels[3]) / 2
    if light - dark < 30:
        return None
    return decode([int(level > (light + dark) / 2) for level in levels])
