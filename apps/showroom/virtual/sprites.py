"""Small pictures laid over the plate, ready for quick integer arithmetic in yuv420p.

luma keeps three arrays per sprite: `keep` (0-256: what shows through, shadow included), `own` and `shine`.
Chroma likewise at half size, as offsets from 128. What is drawn:

    plate * keep + own * gain + shine * lamps
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

SHADOW = 0.42


@dataclass
class Sprite:
    anchor: tuple[float, float]  # the pixel of the picture that stands at the given place
    keep: np.ndarray
    own: np.ndarray
    shine: np.ndarray | None
    keep_half: np.ndarray
    own_half: np.ndarray
    shine_half: np.ndarray | None

    @classmethod
    def made(cls, paint: Image.Image, shadow: Image.Image | None, glow: Image.Image | None, anchor) -> "Sprite":
        """From premultiplied paint (RGBA), shadow (L) and glow (RGB), all of one size."""
        paint = _even(paint)
        pixels = np.asarray(paint, np.float32)
        through = 1 - pixels[..., 3] / 255
        if shadow is not None:
            through = through * (1 - SHADOW * np.asarray(_even(shadow), np.float32) / 255)
        luma, chroma = planes(pixels[..., :3])
        luma += pixels[..., 3] * (16 / 255)
        shine = shine_half = None
        if glow is not None and glow.getbbox():
            bright, tint = planes(np.asarray(_even(glow), np.float32))
            shine, shine_half = bright.astype(np.uint8), tint.astype(np.int8)
        keep = np.rint(through * 256)
        return cls(
            anchor,
            keep.astype(np.uint16),
            luma.astype(np.uint8),
            shine,
            halved(keep).astype(np.int16)[None],
            chroma.astype(np.int8),
            shine_half,
        )

    @property
    def size(self) -> int:
        """Bytes held."""
        arrays = (self.keep, self.own, self.shine, self.keep_half, self.own_half, self.shine_half)
        return sum(array.nbytes for array in arrays if array is not None)

    def lay(self, luma: np.ndarray, chroma: np.ndarray, at: tuple[float, float], gain: int, lamps: int, hidden) -> None:
        """Draw into the planes; `gain` and `lamps` from 0 to 256. `hidden(rows, columns)` says where (or None)."""
        x, y = round((at[0] - self.anchor[0]) / 2) * 2, round((at[1] - self.anchor[1]) / 2) * 2
        high, wide = self.keep.shape
        x0, y0, x1, y1 = max(0, x), max(0, y), min(luma.shape[1], x + wide), min(luma.shape[0], y + high)
        if x0 >= x1 or y0 >= y1:
            return
        rows, columns = slice(y0, y1), slice(x0, x1)
        mine = slice(y0 - y, y1 - y), slice(x0 - x, x1 - x)
        half = slice(y0 // 2, y1 // 2), slice(x0 // 2, x1 // 2)
        mine_half = slice((y0 - y) // 2, (y1 - y) // 2), slice((x0 - x) // 2, (x1 - x) // 2)
        region, tint = luma[rows, columns], chroma[:, half[0], half[1]]
        lit = (region * self.keep[mine] >> 8) + (self.own[mine] * np.uint16(gain) >> 8)
        colour = (tint.astype(np.int16) - 128) * self.keep_half[:, mine_half[0], mine_half[1]] >> 8
        colour += (self.own_half[:, mine_half[0], mine_half[1]] * np.int16(gain) >> 8) + np.int16(128)
        if self.shine is not None and lamps:
            lit += self.shine[mine] * np.uint16(lamps) >> 8
            np.minimum(lit, 235, out=lit)
            colour += self.shine_half[:, mine_half[0], mine_half[1]] * np.int16(lamps) >> 8
            np.clip(colour, 16, 240, out=colour)
        veil = hidden(rows, columns)
        if veil is None:
            region[:], tint[:] = lit, colour
        else:
            np.copyto(region, lit, where=~veil, casting="unsafe")
            np.copyto(tint, colour, where=~veil[::2, ::2], casting="unsafe")


def _even(image: Image.Image) -> Image.Image:
    """Chroma is kept at half size: sides must be even."""
    size = image.width + image.width % 2, image.height + image.height % 2
    return image if size == image.size else image.crop((0, 0, *size))


def halved(plane: np.ndarray) -> np.ndarray:
    return (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2]) / 4


def planes(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Full-size luma without the offset of 16, and chroma offsets at half size: BT.601, limited range."""
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    luma = 0.257 * r + 0.504 * g + 0.098 * b
    u = halved(-0.148 * r - 0.291 * g + 0.439 * b)
    v = halved(0.439 * r - 0.368 * g - 0.071 * b)
    return luma, np.stack([u, v])
