"""What stands in a street: buildings, trees, lamps, shelters, benches, signals."""

import math
import random
from itertools import pairwise

from . import lettering
from .lens import Point
from .pen import Colour, Pen, circle, mixed, shaded

WARM: tuple[Colour, ...] = ((255, 214, 150), (255, 226, 178), (250, 198, 128), (222, 232, 244))
SHOPS = (
    "약국",
    "카페",
    "편의점",
    "치킨",
    "서점",
    "분식",
    "꽃집",
    "빵집",
    "안경",
    "미용실",
    "세탁소",
    "식당",
    "문구",
    "은행",
)
UPPER = ("치과", "학원", "내과", "한의원", "피아노", "PC방", "노래방", "요가", "태권도", "부동산", "세무사", "당구장")
SIGNS: tuple[tuple[Colour, Colour], ...] = (
    ((196, 62, 56), (255, 250, 240)),
    ((38, 92, 150), (250, 252, 255)),
    ((40, 124, 92), (250, 255, 250)),
    ((244, 206, 84), (60, 44, 30)),
    ((246, 244, 238), (40, 60, 96)),
    ((74, 62, 92), (248, 226, 180)),
    ((232, 124, 58), (255, 252, 244)),
)
FACADES: tuple[tuple[str, Colour, Colour], ...] = (
    ("brick", (176, 118, 94), (226, 214, 198)),
    ("plaster", (226, 216, 200), (176, 160, 142)),
    ("office", (196, 202, 206), (112, 134, 152)),
    ("glass", (122, 156, 178), (168, 194, 208)),
    ("brick", (156, 132, 118), (216, 206, 194)),
    ("plaster", (206, 196, 190), (150, 112, 96)),
    ("office", (222, 212, 196), (140, 126, 112)),
    ("flats", (236, 234, 228), (168, 186, 196)),
)


class Wall:
    """A standing wall from `start` along `way` (unit vector on the ground); (along, up) are its coordinates."""

    def __init__(self, pen: Pen, start: tuple[float, float], way: tuple[float, float], light: float, depth: float):
        self.pen, self.start, self.way, self.light, self.depth = pen, start, way, light, depth

    def point(self, along: float, up: float, out: float = 0.0) -> Point:
        return (
            self.start[0] + along * self.way[0] + out * self.way[1],
            self.start[1] + along * self.way[1] - out * self.way[0],
            up,
        )

    def rect(self, s0: float, z0: float, s1: float, z1: float, colour: Colour, glow: Colour | None = None) -> None:
        corners = (self.point(s0, z0), self.point(s1, z0), self.point(s1, z1), self.point(s0, z1))
        self.pen.face(corners, shaded(colour, self.light), glow, self.depth)

    def decal(self, picture, s0: float, z0: float, s1: float, z1: float, glow: float) -> None:
        corners = [self.point(s0, z1), self.point(s1, z1), self.point(s1, z0), self.point(s0, z0)]
        if self.pen.lens.turned(corners[0])[0] / max(1, self.pen.lens.turned(corners[0])[1]) > self.pen.lens.turned(
            corners[1]
        )[0] / max(1, self.pen.lens.turned(corners[1])[1]):
            corners = [corners[1], corners[0], corners[3], corners[2]]
        self.pen.decal(picture, corners, glow)


def window_glow(luck: random.Random, share: float) -> Colour | None:
    return shaded(luck.choice(WARM), luck.uniform(0.45, 0.95)) if luck.random() < share else None


def facade(wall: Wall, length: float, height: float, luck: random.Random, style, *, shops: bool) -> None:
    """One side of a building: base, floors of windows, signs, cornice."""
    kind, ground, trim = style
    floors = max(2, round(height / 3.4))
    floor = height / floors
    bands = max(4, floors)
    for i in range(bands):
        wall.rect(0, height * i / bands, length, height * (i + 1) / bands, shaded(ground, 0.86 + 0.16 * i / bands))
    for level in range(1 if shops else 0, floors):
        _floor(wall, length, level * floor, floor, kind, trim, luck)
    if shops:
        _shopfronts(wall, length, floor, luck)
        for level in range(1, min(floors, 4)):
            if luck.random() < 0.6:
                _board(
                    wall,
                    luck,
                    UPPER,
                    luck.uniform(0.3, max(0.4, length - 4.5)),
                    level * floor + floor * 0.76,
                    3.6,
                    0.75,
                )
    wall.rect(0, height - 0.45, length, height, shaded(trim, 0.94))


def _floor(wall: Wall, length: float, base: float, floor: float, kind: str, trim: Colour, luck) -> None:
    night = luck.choice((0.1, 0.35, 0.55))
    if kind == "glass":
        columns = max(2, round(length / 1.6))
        wall.rect(0, base, length, base + 0.25, shaded(trim, 0.8))
    elif kind == "office":
        columns = max(2, round(length / 2.0))
        wall.rect(0.4, base + 0.8, length - 0.4, base + floor - 0.5, shaded(trim, 0.62))
    else:
        columns = max(2, round(length / 3.0))
    pitch = length / columns
    margin = {"glass": 0.05, "office": 0.12, "flats": 0.35}.get(kind, 0.62)
    low, high = {"glass": (0.3, 0.06), "office": (0.85, 0.55)}.get(kind, (1.0, 0.7))
    for i in range(columns):
        s0, s1 = i * pitch + margin, (i + 1) * pitch - margin
        z0, z1 = base + low, base + floor - high
        sky = mixed((78, 98, 116), (150, 178, 196), luck.random() * 0.6 + (0.2 if kind == "glass" else 0))
        if kind in {"brick", "plaster", "flats"}:
            wall.rect(s0 - 0.12, z0 - 0.14, s1 + 0.12, z1 + 0.1, shaded(trim, 1.02))
        wall.rect(s0, z0, s1, z1, sky, window_glow(luck, night))
        if kind != "glass":
            middle = (s0 + s1) / 2
            wall.rect(middle - 0.04, z0, middle + 0.04, z1, shaded(trim, 0.8))


def _shopfronts(wall: Wall, length: float, floor: float, luck) -> None:
    """Ground floor: glass fronts, doors, awnings, a board above each."""
    count = max(1, round(length / 5.5))
    pitch = length / count
    for i in range(count):
        s0, s1 = i * pitch + 0.25, (i + 1) * pitch - 0.25
        glow = shaded(luck.choice(WARM[:3]), luck.uniform(0.75, 1.0)) if luck.random() < 0.8 else None
        wall.rect(s0 - 0.25, 0, s1 + 0.25, floor, (92, 88, 84))
        wall.rect(s0, 0.35, s1, floor - 1.1, (86, 104, 112), glow and shaded(glow, 0.78))
        _interior(wall, s0, s1, floor - 1.1, glow, luck)
        for part in (0.33, 0.66):
            s = s0 + (s1 - s0) * part
            wall.rect(s - 0.05, 0.1, s + 0.05, floor - 1.1, (60, 60, 62))
        _board(wall, luck, SHOPS, s0, floor - 1.0, s1 - s0, 0.85)


def _interior(wall: Wall, s0: float, s1: float, top: float, glow: Colour | None, luck) -> None:
    """Shelves and goods behind the glass, a brighter ceiling."""
    wall.rect(s0, top - 0.28, s1, top, (104, 124, 132), glow)
    s = s0 + 0.15
    while s < s1 - 0.5:
        width, high = luck.uniform(0.4, 0.9), luck.uniform(0.75, 1.35)
        goods = mixed(luck.choice(SIGNS)[0], (110, 104, 96), 0.55)
        light = glow and mixed(shaded(goods, 0.5), shaded(glow, 0.5), 0.35)
        wall.rect(s, 0.35, min(s1, s + width), high, mixed(goods, (80, 96, 104), 0.62), light)
        s += width + luck.uniform(0.1, 0.7)


def _board(wall: Wall, luck, words, s0: float, z0: float, width: float, height: float) -> None:
    (ground, ink), word = luck.choice(SIGNS), luck.choice(words)
    wall.rect(s0, z0, s0 + width, z0 + height, ground, shaded(ground, 0.75))
    picture = lettering.sign(word, shaded(ground, wall.light), shaded(ink, wall.light), round(60 * width / height), 60)
    wall.decal(picture, s0, z0, s0 + width, z0 + height, 0.85)


def building(
    pen: Pen, luck: random.Random, x: float, near: float, far: float, depth: float, height: float, *, shops=True
) -> None:
    """A building along the road: its road side in the plane x, from y = near to far."""
    right = x > 0
    style = luck.choice(FACADES)
    distance = pen.lens.distance((x, near, 0))
    back = x + depth if right else x - depth
    state = luck.getstate()
    if near > 2:
        start, way = ((x, near), (1.0, 0.0)) if right else ((back, near), (1.0, 0.0))
        facade(Wall(pen, start, way, 0.8, distance), depth, height, luck, style, shops=False)
    luck.setstate(state)
    wall = Wall(pen, (x, near), (0.0, 1.0), 0.98 if right else 0.88, distance)
    facade(wall, far - near, height, luck, style, shops=shops)
    if height < pen.lens.height + 2:
        pen.face(
            [(x, near, height), (x, far, height), (back, far, height), (back, near, height)],
            (150, 148, 144),
            None,
            distance,
        )
    if pen.full and not right:
        reach = min(height * 0.5, 9.0)
        pen.shadow([(x, near, 0), (x, far, 0), (x + reach, far, 0), (x + reach, near, 0)])
    if pen.full and shops:
        out = x - 1.6 if right else x + 1.6
        for y in range(int(max(near, 3)) + 2, int(far), 5):
            pen.pool((out, y, 0), 3.0, (84, 66, 42), rings=6)


def tree(
    pen: Pen, luck: random.Random, x: float, y: float, *, height: float = 7.0, leaf: Colour = (104, 136, 78)
) -> None:
    distance = pen.lens.distance((x, y, 0))
    if distance < 3:
        return
    trunk, fork = 0.13 + height * 0.012, height * 0.55
    pen.face(
        [(x - trunk, y, 0), (x + trunk, y, 0), (x + trunk * 0.6, y, fork), (x - trunk * 0.6, y, fork)],
        (96, 78, 64), None, distance,
    )  # fmt: skip
    spread = height * 0.3
    blobs = [
        (luck.gauss(0, 0.42), luck.gauss(0, 0.5), luck.uniform(0.42, 0.62)) for _ in range(26 if distance < 60 else 12)
    ]
    for layer, tone in ((0, 0.66), (1, 0.86), (2, 1.05), (3, 1.22)):
        for side, up, size in blobs[layer * 3 :]:
            radius = spread * size * (1.15 - 0.2 * layer)
            centre = (
                x + spread * max(-1, min(1, side)) * (1 - 0.16 * layer) - layer * spread * 0.09,
                y,
                height * 0.68 + height * 0.2 * max(-1, min(1.1, up)) + layer * spread * 0.1,
            )
            pen.disc(centre, radius * (1 - 0.17 * layer), shaded(leaf, tone * luck.uniform(0.95, 1.05)), depth=distance)
    if pen.full:
        pen.shadow(circle((x + spread * 0.9, y + 0.6, 0), spread * 1.05, 14), 215)
        pen.shadow([(x - trunk, y, 0), (x + trunk, y, 0), (x + spread, y + 0.7, 0), (x + spread - trunk, y + 0.7, 0)])


def street_lamp(pen: Pen, x: float, y: float, *, arm: float, height: float = 8.0) -> None:
    """A lamp whose arm reaches `arm` metres over the road (negative: to the left)."""
    distance = pen.lens.distance((x, y, 0))
    if distance < 3:
        return
    grey = (104, 110, 116)
    for z0, z1, w in ((0, 1.0, 0.13), (1.0, height, 0.075)):
        pen.face([(x - w, y, z0), (x + w, y, z0), (x + w, y, z1), (x - w, y, z1)], grey, None, distance)
    tip = x + arm
    pen.face(
        [(x, y, height - 0.1), (x, y, height), (tip, y, height + 0.35), (tip, y, height + 0.25)], grey, None, distance
    )
    head = math.copysign(0.75, arm)
    pen.face(
        [(tip, y, height + 0.2), (tip + head, y, height + 0.28), (tip + head, y, height + 0.42),
         (tip, y, height + 0.4)],
        (214, 216, 210), (255, 236, 196), distance,
    )  # fmt: skip
    if pen.full:
        pen.pool((tip + head / 2, y, 0), 9.5, (150, 124, 84))


def pole(
    pen: Pen, x: float, y: float, height: float = 9.0, width: float = 0.14, colour: Colour = (148, 146, 140)
) -> None:
    distance = pen.lens.distance((x, y, 0))
    pen.face(
        [(x - width, y, 0), (x + width, y, 0), (x + width * 0.7, y, height), (x - width * 0.7, y, height)],
        colour,
        None,
        distance,
    )


def wires(pen: Pen, posts: list[tuple[float, float]], height: float) -> None:
    """Sagging lines from post to post."""
    for (x0, y0), (x1, y1) in pairwise(posts):
        for drop in (0.0, 0.35, 0.9):
            line = [
                (x0 + (x1 - x0) * t / 10, y0 + (y1 - y0) * t / 10, height - drop - 2.4 * (t / 10) * (1 - t / 10))
                for t in range(11)
            ]
            thick = 0.025
            pen.face(line + [(a, b, z + thick) for a, b, z in reversed(line)], (70, 72, 76))


def shelter(pen: Pen, x: float, y0: float, y1: float, name: str = "BUS") -> None:
    """A bus stop: roof on posts, bench, glass back with an advertisement, a sign that shines."""
    side = 1 if x > 0 else -1
    distance = pen.lens.distance((x, y0, 0))
    back = x + side * 1.5
    for y in (y1, y0):
        pole(pen, back, y, 2.6, 0.06, (84, 92, 100))
    pen.face(
        [(back, y0, 0.3), (back, y1, 0.3), (back, y1, 2.2), (back, y0, 2.2)], (158, 182, 190), (96, 104, 108), distance
    )
    pen.face(
        [(back - 0.02 * side, y1 - 1.6, 0.4), (back, y1 - 0.2, 0.4), (back, y1 - 0.2, 2.1), (back, y1 - 1.6, 2.1)],
        (214, 122, 84),
        (255, 190, 130),
        distance,
    )
    seat = x + side * 0.9
    pen.face(
        [(seat, y0 + 0.5, 0.45), (seat, y1 - 0.5, 0.45), (back, y1 - 0.5, 0.45), (back, y0 + 0.5, 0.45)],
        (150, 112, 78),
        None,
        distance,
    )
    pen.face(
        [(seat, y0 + 0.5, 0.35), (seat, y1 - 0.5, 0.35), (seat, y1 - 0.5, 0.45), (seat, y0 + 0.5, 0.45)],
        (116, 84, 58),
        None,
        distance,
    )
    pen.face([(x, y0, 2.62), (x, y1, 2.62), (back, y1, 2.5), (back, y0, 2.5)], (74, 84, 94), (40, 40, 36), distance)
    pen.face([(x, y0, 2.42), (x, y1, 2.42), (x, y1, 2.62), (x, y0, 2.62)], (52, 120, 196), (70, 150, 230), distance)
    pen.face(
        [(x, y0, 2.42), (back, y0, 2.36), (back, y0, 2.5), (x, y0, 2.62)], (46, 104, 172), (60, 130, 205), distance
    )
    if pen.full:
        pen.pool((x + side * 0.5, (y0 + y1) / 2, 0), 3.4, (86, 88, 84), rings=4)
        pen.shadow([(x, y0, 0), (x, y1, 0), (back + 1.2, y1, 0), (back + 1.2, y0, 0)], 200)


def bench(pen: Pen, x: float, y: float, length: float = 1.8) -> None:
    distance = pen.lens.distance((x, y, 0))
    a, b = x - length / 2, x + length / 2
    for leg in (a + 0.2, b - 0.2):
        pen.face(
            [(leg - 0.05, y, 0), (leg + 0.05, y, 0), (leg + 0.05, y, 0.42), (leg - 0.05, y, 0.42)],
            (70, 72, 74),
            None,
            distance,
        )
    pen.face(
        [(a, y + 0.42, 0.5), (b, y + 0.42, 0.5), (b, y + 0.46, 0.92), (a, y + 0.46, 0.92)],
        (142, 104, 72),
        None,
        distance,
    )
    pen.face([(a, y, 0.44), (b, y, 0.44), (b, y + 0.42, 0.46), (a, y + 0.42, 0.46)], (170, 128, 90), None, distance)
    pen.face([(a, y, 0.38), (b, y, 0.38), (b, y, 0.44), (a, y, 0.44)], (122, 88, 60), None, distance)
    if pen.full:
        pen.shadow([(a, y, 0), (b, y, 0), (b + 0.4, y + 0.7, 0), (a + 0.4, y + 0.7, 0)], 190)


def bollard(pen: Pen, x: float, y: float, colour: Colour = (196, 150, 62)) -> None:
    pole(pen, x, y, 0.8, 0.07, colour)


def box(pen: Pen, x0: float, y0: float, x1: float, y1: float, z0: float, z1: float, colour: Colour, glow=None) -> None:
    """A plain box: the sides that face us, then its top."""
    distance = pen.lens.distance(((x0 + x1) / 2, y0, 0))
    side = x0 if x0 > 0 else x1 if x1 < 0 else None
    if side is not None:
        pen.face([(side, y0, z0), (side, y1, z0), (side, y1, z1), (side, y0, z1)], shaded(colour, 0.92), glow, distance)
    pen.face([(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)], shaded(colour, 0.8), glow, distance)
    if z1 < pen.lens.height:
        pen.face([(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)], shaded(colour, 1.08), glow, distance)


def signal_arm(pen: Pen, x: float, y: float, reach: float) -> tuple[float, float, float]:
    """A traffic signal on an arm over the road; returns where its lamps begin (they are drawn live)."""
    distance = pen.lens.distance((x, y, 0))
    pole(pen, x, y, 6.4, 0.13, (92, 98, 104))
    tip = x + reach
    pen.face([(x, y, 6.0), (x, y, 6.16), (tip, y, 6.2), (tip, y, 6.08)], (92, 98, 104), None, distance)
    left = tip - 1.0 if reach > 0 else tip
    pen.face(
        [(left, y - 0.1, 5.75), (left + 1.85, y - 0.1, 5.75), (left + 1.85, y - 0.1, 6.35), (left, y - 0.1, 6.35)],
        (40, 42, 46),
        (4, 4, 5),
        distance,
    )
    return left + 0.32, y - 0.15, 6.05
