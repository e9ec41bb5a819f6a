"""Cars, vans and buses as a few solid faces, drawn from where the camera really sees them."""

import math
from dataclasses import dataclass

from .lens import Point
from .pen import Colour, Pen, mixed, shaded

GLASS: Colour = (58, 74, 88)
SUN = (-0.45, -0.5, 0.74)  # where the sun's light comes from, for shading faces


@dataclass(frozen=True)
class Shape:
    """Side views as (along, up) polygons in metres; the cabin sits on the body."""

    length: float
    width: float
    body: tuple[tuple[float, float], ...]
    cabin: tuple[tuple[float, float], ...]
    wheel: float = 0.33
    axles: tuple[float, ...] = (-1.35, 1.4)
    taper: float = 0.22  # how much narrower the roof is, each side


SEDAN = Shape(
    4.6, 1.82,
    ((-2.3, 0.3), (-2.3, 0.78), (-2.1, 0.9), (0.95, 0.9), (2.1, 0.74), (2.3, 0.6), (2.3, 0.3)),
    ((-1.85, 0.9), (-1.1, 1.4), (0.2, 1.42), (1.05, 0.9)),
)  # fmt: skip
SUV = Shape(
    4.6, 1.9,
    ((-2.3, 0.36), (-2.3, 0.98), (1.05, 1.02), (2.15, 0.9), (2.3, 0.72), (2.3, 0.36)),
    ((-2.2, 1.0), (-1.9, 1.62), (0.3, 1.66), (1.1, 1.02)),
    wheel=0.37, taper=0.18,
)  # fmt: skip
COMPACT = Shape(
    3.6, 1.6,
    ((-1.8, 0.3), (-1.8, 0.9), (0.9, 0.92), (1.65, 0.78), (1.8, 0.6), (1.8, 0.3)),
    ((-1.72, 0.9), (-1.4, 1.46), (0.25, 1.48), (1.0, 0.92)),
    axles=(-1.1, 1.15), wheel=0.29,
)  # fmt: skip
TRUCK = Shape(
    5.1, 1.75,
    ((-2.5, 0.55), (-2.5, 2.25), (0.9, 2.25), (0.9, 0.55)),
    ((1.0, 0.4), (1.0, 1.95), (1.9, 1.95), (2.5, 1.15), (2.55, 0.4)),
    axles=(-1.5, 1.75), taper=0.04,
)  # fmt: skip
BUS = Shape(
    10.5, 2.5,
    ((-5.25, 0.4), (-5.25, 1.25), (5.25, 1.25), (5.25, 0.4)),
    ((-5.25, 1.25), (-5.2, 3.1), (5.05, 3.1), (5.25, 1.25)),
    axles=(-3.0, 3.1), wheel=0.48, taper=0.06,
)  # fmt: skip
SHAPES = {"sedan": SEDAN, "suv": SUV, "compact": COMPACT, "truck": TRUCK, "bus": BUS, "taxi": SEDAN}


@dataclass(frozen=True)
class Look:
    kind: str
    colour: Colour

    @property
    def shape(self) -> Shape:
        return SHAPES[self.kind]


class Placed:
    """A vehicle standing at a point, its front towards `heading` (degrees, 0 = away from the camera)."""

    def __init__(self, pen: Pen, look: Look, at: Point, heading: float, depth: float | None = None):
        self.pen, self.look, self.shape, self.place, self.depth = pen, look, look.shape, at, depth
        turn = math.radians(heading)
        self.ahead = math.sin(turn), math.cos(turn)
        self.side = math.cos(turn), -math.sin(turn)
        self.eye = (0.0, 0.0, pen.lens.height)

    def point(self, along: float, across: float, up: float) -> Point:
        return (
            self.place[0] + along * self.ahead[0] + across * self.side[0],
            self.place[1] + along * self.ahead[1] + across * self.side[1],
            self.place[2] + up,
        )

    def face(self, corners, colour: Colour, glow: Colour | None = None, centre: Point = (0, 0, 0.8)) -> None:
        """A face given by (along, across, up) corners, if its side away from `centre` is turned to us."""
        points = [self.point(*corner) for corner in corners]
        normal = _normal(points)
        inwards = sum(n * (c - p) for n, c, p in zip(normal, self.point(*centre), points[0], strict=True))
        normal = tuple(-n for n in normal) if inwards > 0 else normal
        seen = sum(n * (e - p) for n, e, p in zip(normal, self.eye, points[0], strict=True))
        if seen <= 0:
            return
        lit = 0.72 + 0.34 * max(0.0, sum(n * s for n, s in zip(normal, SUN, strict=True))) + 0.1 * normal[2]
        self.pen.face(points, shaded(colour, lit), glow, self.depth)

    def solid(self, profile, half: float, top_half: float, colours) -> None:
        """A profile given its width; `colours(edge)` colours the strip of an edge, edge None the sides."""
        low, high = min(z for _, z in profile), max(z for _, z in profile)
        centre = sum(a for a, _ in profile) / len(profile), 0.0, (low + high) / 2

        def across(z):
            return half + (top_half - half) * (z - low) / (high - low)

        for (a, z), (b, y) in zip(profile, profile[1:] + profile[:1], strict=True):
            strip = [(a, -across(z), z), (a, across(z), z), (b, across(y), y), (b, -across(y), y)]
            self.face(strip, colours((a, z, b, y)), None, centre)
        self.face([(a, across(z), z) for a, z in profile], colours(None), None, centre)
        self.face([(a, -across(z), z) for a, z in profile], colours(None), None, centre)

    def on_side(self, profile, out: float, colour: Colour, glow=None) -> None:
        """Something flat on both sides; `out` may depend on the height."""
        reach = out if callable(out) else lambda _z: out
        self.face([(a, reach(z), z) for a, z in profile], colour, glow)
        self.face([(a, -reach(z), z) for a, z in profile], colour, glow)

    def wheels(self) -> None:
        radius = self.shape.wheel
        for axle in self.shape.axles:
            for size, colour in ((radius, (26, 27, 30)), (radius * 0.58, (122, 126, 132))):
                ring = [
                    (axle - size * math.cos(math.pi * i / 7), radius + size * math.sin(math.pi * i / 7))
                    for i in range(14)
                ]
                self.on_side(ring, self.shape.width / 2 + 0.01, colour)


def _normal(p) -> Point:
    a = [p[1][i] - p[0][i] for i in range(3)]
    b = [p[2][i] - p[0][i] for i in range(3)]
    n = a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
    size = math.hypot(*n) or 1.0
    return n[0] / size, n[1] / size, n[2] / size


def draw(pen: Pen, look: Look, at: Point, heading: float, *, depth=None, lit: bool = False) -> None:
    car = Placed(pen, look, at, heading, depth)
    shape, half = look.shape, look.shape.width / 2
    roof = half - shape.taper
    base_z = min(z for _, z in shape.cabin)
    body_colours, cabin_colours = _colours(look)
    if look.kind == "truck":
        parts = [("cabin", shape.cabin, cabin_colours), ("body", shape.body, body_colours)]
        if car.ahead[0] * -at[0] + car.ahead[1] * -at[1] > 0:
            parts.reverse()
        for _, profile, colours in parts:
            car.solid(profile, half, half - shape.taper, colours)
        car.on_side([(1.15, 1.2), (1.15, 1.8), (1.8, 1.8), (2.2, 1.2)], half + 0.01, GLASS)
        _trim(car, lit)
        car.wheels()
        return
    car.solid(shape.body, half, half, body_colours)
    car.wheels()
    car.solid(shape.cabin, half - 0.04, roof, cabin_colours)

    def reach(z):
        high = max(y for _, y in shape.cabin)
        return half - 0.03 + (roof - half + 0.04) * (z - base_z) / (high - base_z)

    for pane in _panes(shape, look.kind):
        car.on_side(pane, reach, GLASS, (104, 106, 92) if lit and look.kind == "bus" else None)
    _trim(car, lit)
    if look.kind == "taxi":
        _roof_light(car, lit)


def _colours(look: Look):
    shape = look.shape
    paint = look.colour
    lower = {"truck": (226, 228, 226), "bus": paint}.get(look.kind, paint)

    def body(edge):
        return lower

    def cabin(edge):
        if edge is None:
            return paint
        a, z, _, y = edge
        if abs(y - z) < 0.12:  # the roof, or the floor
            return shaded(paint, 1.04)
        steep_truck_front = look.kind == "truck" and not (z > 1.1 and y > 1.1 and a > 1.5)
        return paint if steep_truck_front else mixed(GLASS, paint, 0.08)

    del shape
    return body, cabin


def _panes(shape: Shape, kind: str):
    if kind == "bus":
        return [[(a, 1.45), (a, 2.7), (a + 1.15, 2.7), (a + 1.15, 1.45)] for a in (-4.9 + 1.24 * i for i in range(8))]
    (a0, z0), (a1, z1), (a2, _), (a3, _) = shape.cabin
    foot, head, middle = z0 + 0.06, z1 - 0.09, (a1 + a2) / 2 - 0.05
    slope_back = (a1 - a0) * 0.75
    slope_front = (a3 - a2) * 0.75
    return [
        [(a0 + 0.28, foot), (a0 + 0.28 + slope_back, head), (middle - 0.05, head), (middle - 0.05, foot)],
        [(middle + 0.05, foot), (middle + 0.05, head), (a3 - 0.24 - slope_front, head), (a3 - 0.24, foot)],
    ]


def _trim(car: Placed, lit: bool) -> None:
    """Lamps and plates, front and back."""
    shape = car.shape
    half = shape.width / 2
    front = max(a for a, _ in shape.body + shape.cabin) + 0.01
    back = -shape.length / 2 - 0.01
    up = 0.62 if shape.wheel < 0.4 else 0.75
    for side in (-1, 1):
        inner, outer = side * (half - 0.5), side * (half - 0.1)
        y0, y1 = sorted((inner, outer))
        lamp = [(front, y0, up - 0.1), (front, y1, up - 0.1), (front, y1, up + 0.08), (front, y0, up + 0.08)]
        car.face(lamp, (236, 238, 232), (255, 250, 226) if lit else None)
        tail = [(back, y1, up - 0.02), (back, y0, up - 0.02), (back, y0, up + 0.18), (back, y1, up + 0.18)]
        car.face(tail, (188, 34, 32), (208, 30, 26) if lit else None)
    plate = [(front, -0.3, 0.36), (front, 0.3, 0.36), (front, 0.3, 0.48), (front, -0.3, 0.48)]
    car.face(plate, (224, 226, 222))
    car.face([(back, 0.3, 0.5), (back, -0.3, 0.5), (back, -0.3, 0.62), (back, 0.3, 0.62)], (224, 226, 222))
    if car.look.kind == "bus":
        back_glass = [
            (back + 0.03, 1.0, 1.7),
            (back + 0.03, -1.0, 1.7),
            (back + 0.06, -1.0, 2.7),
            (back + 0.06, 1.0, 2.7),
        ]
        car.face(back_glass, GLASS)
        front_sign = [
            (front - 0.14, -0.9, 2.75),
            (front - 0.14, 0.9, 2.75),
            (front - 0.18, 0.9, 3.02),
            (front - 0.18, -0.9, 3.02),
        ]
        car.face(front_sign, (40, 36, 30), (255, 170, 60))


def _roof_light(car: Placed, lit: bool) -> None:
    glow = (255, 214, 120) if lit else None
    for strip in (
        [(-0.2, -0.3, 1.42), (-0.2, 0.3, 1.42), (-0.2, 0.3, 1.58), (-0.2, -0.3, 1.58)],
        [(-0.55, -0.3, 1.42), (-0.55, 0.3, 1.42), (-0.55, 0.3, 1.58), (-0.55, -0.3, 1.58)],
    ):
        car.face(strip, (246, 206, 96), glow, (-0.37, 0, 1.5))


def footprint(look: Look, at: Point, heading: float, grow: float = 0.15, shift: float = 0.35) -> list[Point]:
    """The shadow on the ground."""
    turn = math.radians(heading)
    ahead, side = (math.sin(turn), math.cos(turn)), (math.cos(turn), -math.sin(turn))
    long, wide = look.shape.length / 2 + grow, look.shape.width / 2 + grow
    corners = ((long, wide), (long, -wide), (-long, -wide), (-long, wide))
    return [
        (at[0] + a * ahead[0] + b * side[0] + shift, at[1] + a * ahead[1] + b * side[1] + shift * 0.3, 0.0)
        for a, b in corners
    ]
