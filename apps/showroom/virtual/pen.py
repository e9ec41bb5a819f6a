"""Draws faces of solid things, seen through a lens, into layers that the light is put on later.

paint   the things' own colours, premultiplied by coverage
glow    what shines by itself when the lamps are on
shade   where the sun does not reach
pools   where lamps light the ground
near    how near standing things are, for hiding what moves behind them
"""

import math

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from .lens import Lens, Point

Colour = tuple[int, int, int]
OPEN = 255  # nothing stands here
SMOOTH = 2  # drawn so many times finer than kept


def shaded(colour: Colour, factor: float) -> Colour:
    return tuple(max(0, min(255, round(part * factor))) for part in colour)


def mixed(one: Colour, other: Colour, part: float) -> Colour:
    return tuple(round(a + (b - a) * part) for a, b in zip(one, other, strict=True))


def nearness(distance: float) -> int:
    """Distance on a scale of 255 steps of 1.8%, from 1.5 m."""
    return max(0, min(OPEN - 1, round(40 * math.log2(max(distance, 1.5) / 1.5))))


class Pen:
    def __init__(self, lens: Lens, box: tuple[float, float, float, float], scale: float, *, full: bool = False):
        """`box` in picture coordinates, `scale` in kept pixels per unit; `full` also keeps shade, pools and near."""
        self.lens, self.left, self.top, self.scale = lens, box[0], box[1], scale * SMOOTH
        self.size = math.ceil((box[2] - box[0]) * scale) * SMOOTH, math.ceil((box[3] - box[1]) * scale) * SMOOTH
        self.paint, self.glow = Image.new("RGBA", self.size), Image.new("RGB", self.size)
        self._paint, self._glow = ImageDraw.Draw(self.paint), ImageDraw.Draw(self.glow)
        self.full = full
        self.coarse = self.scale / 8
        if full:
            small = self.size[0] // 8 + 1, self.size[1] // 8 + 1
            self.near, self.shade = Image.new("L", self.size, OPEN), Image.new("L", self.size)
            self.pools = Image.new("RGB", small)
            self._near, self._shade = ImageDraw.Draw(self.near), ImageDraw.Draw(self.shade)

    def at(self, points) -> list[tuple[float, float]]:
        """Pixels of a polygon in the world."""
        return [((u - self.left) * self.scale, (v - self.top) * self.scale) for u, v in self.lens.outline(points)]

    def face(self, points, colour: Colour, glow: Colour | None = None, depth: float | None = None) -> None:
        """A polygon; with `depth` it hides what is farther than that."""
        pixels = self.at(points)
        if len(pixels) < 3:
            return
        self._paint.polygon(pixels, fill=(*colour, 255))
        self._glow.polygon(pixels, fill=glow or (0, 0, 0))
        if self.full and depth is not None:
            self._near.polygon(pixels, fill=nearness(depth))
            self._shade.polygon(pixels, fill=0)

    def disc(self, centre: Point, radius: float, colour: Colour, glow: Colour | None = None, depth=None) -> None:
        """A ball of `radius` metres."""
        if self.lens.distance(centre) < 1:
            return
        u, v = self.lens.project(centre)
        x, y = (u - self.left) * self.scale, (v - self.top) * self.scale
        r = radius * self.lens.pixels_per_metre(centre) * self.scale
        box = (x - r, y - r, x + r, y + r)
        self._paint.ellipse(box, fill=(*colour, 255))
        self._glow.ellipse(box, fill=glow or (0, 0, 0))
        if self.full and depth is not None:
            self._near.ellipse(box, fill=nearness(depth))
            self._shade.ellipse(box, fill=0)

    def beyond(self, outline, colour: Colour, depth: float = 400.0) -> None:
        """Something at the horizon, given in picture coordinates."""
        pixels = [((u - self.left) * self.scale, (v - self.top) * self.scale) for u, v in outline]
        self._paint.polygon(pixels, fill=(*colour, 255))
        self._near.polygon(pixels, fill=nearness(depth))

    def shadow(self, points, strength: int = 255) -> None:
        pixels = self.at(points)
        if len(pixels) > 2:
            self._shade.polygon(pixels, fill=strength)

    def pool(self, centre: Point, radius: float, colour: Colour, *, rings: int = 12) -> None:
        """Lamp light on the ground, fading outwards; pools add up."""
        layer = Image.new("RGB", self.pools.size)
        draw = ImageDraw.Draw(layer)
        for ring in range(rings):
            part = 1 - ring / rings
            spots = [(x / 8, y / 8) for x, y in self.at(circle(centre, radius * part, 24))]
            if len(spots) > 2:
                draw.polygon(spots, fill=shaded(colour, (1 - part + 1 / rings) ** 1.6))
        self.pools = ImageChops.add(self.pools, layer)

    def decal(self, picture: Image.Image, corners, glow: float = 0.0) -> None:
        """A picture (RGBA) put on a face; corners clockwise from its top left."""
        pixels = self.at(corners)
        if len(pixels) != 4:
            return
        xs, ys = [x for x, _ in pixels], [y for _, y in pixels]
        left, top = math.floor(min(xs)), math.floor(min(ys))
        size = math.ceil(max(xs)) - left, math.ceil(max(ys)) - top
        outside = left > self.size[0] or top > self.size[1] or left + size[0] < 0 or top + size[1] < 0
        if outside or min(size) < 4 or max(size) > 2 * max(self.size):
            return
        picture = picture.resize((max(4, min(picture.width, size[0])), max(4, min(picture.height, size[1]))))
        w, h = picture.size
        way = _warp([(x - left, y - top) for x, y in pixels], [(0, 0), (w, 0), (w, h), (0, h)])
        placed = picture.transform(size, Image.Transform.PERSPECTIVE, way, Image.Resampling.BILINEAR)
        self.paint.paste(placed.convert("RGB"), (left, top), placed.getchannel("A"))
        if glow:
            lit = placed.convert("RGB").point(lambda value: round(value * glow))
            self.glow.paste(lit, (left, top), placed.getchannel("A"))

    def kept(self, layer: Image.Image, blur: float = 0.0) -> Image.Image:
        if layer.mode == "RGBA":
            # Pillow would divide the colours by their coverage again; they stay premultiplied here.
            small = layer.convert("RGBa").reduce(SMOOTH)
            return Image.frombytes("RGBA", small.size, small.tobytes())
        layer = layer.reduce(SMOOTH)
        return layer.filter(ImageFilter.GaussianBlur(blur)) if blur else layer


def circle(centre: Point, radius: float, count: int = 16) -> list[Point]:
    """A circle lying on the ground."""
    x, y, z = centre
    steps = [2 * math.pi * i / count for i in range(count)]
    return [(x + radius * math.cos(a), y + radius * math.sin(a), z) for a in steps]


def _warp(target, source) -> list[float]:
    """Coefficients with which Pillow maps `target` points back to `source` points."""
    rows, values = [], []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.linalg.lstsq(np.array(rows, float), np.array(values, float), rcond=None)[0].tolist()
