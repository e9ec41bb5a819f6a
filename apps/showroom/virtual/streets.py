"""Six kinds of street, varied by a camera's number: what stands there and what moves."""

import math
import random
from dataclasses import dataclass, field

from . import things
from .lens import REACH_U, Lens
from .movement import Lane, Path, cross, stroll, wait
from .pen import Colour, Pen, circle, mixed, shaded
from .vehicles import Look, draw, footprint

ASPHALT: Colour = (98, 101, 108)
PAVING: Colour = (186, 182, 174)
KERB: Colour = (214, 212, 206)
WHITE: Colour = (232, 232, 226)
YELLOW: Colour = (226, 178, 64)
GRASS: Colour = (132, 158, 98)
FAR = 240.0
PAINTS: tuple[Colour, ...] = (
    (236, 238, 240), (236, 238, 240), (44, 47, 54), (60, 64, 72), (150, 156, 164), (186, 190, 194),
    (52, 84, 132), (160, 52, 48), (112, 128, 112), (206, 196, 176),
)  # fmt: skip
LEAVES: tuple[Colour, ...] = ((104, 138, 80), (122, 146, 76), (206, 168, 70), (92, 126, 86), (176, 122, 70))


@dataclass
class Street:
    title: str
    lens: Lens
    luck: random.Random
    lanes: list[Lane] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    signals: list[tuple[float, float, float]] = field(default_factory=list)
    standing: list = field(default_factory=list)  # (distance, draw(pen))
    ground: list = field(default_factory=list)  # draw(pen), in order

    def __post_init__(self):
        self.sky = self.luck.random()

    def stand(self, x: float, y: float, drawing) -> None:
        self.standing.append((self.lens.distance((x, y, 0)), drawing))

    def paint(self, pen: Pen) -> None:
        """Everything that does not move."""
        hills(pen, random.Random(self.sky))
        for drawing in self.ground:
            drawing(pen)
        for _, drawing in sorted(self.standing, key=lambda one: -one[0]):
            drawing(pen)


def hills(pen: Pen, luck: random.Random) -> None:
    horizon = pen.lens.horizon
    for height, colour, waves in ((46, (150, 172, 190), 3), (26, (124, 150, 160), 5)):
        start = [luck.uniform(0, 7) for _ in range(3)]
        line = [
            (u, horizon - height * (0.62 + 0.24 * math.sin(u / 640 * waves + start[0]) + ripples(u, start)))
            for u in range(-REACH_U - 10, REACH_U + 20, 10)
        ]
        pen.beyond([*line, (REACH_U + 10, horizon + 4), (-REACH_U - 10, horizon + 4)], colour)


def ripples(u: float, start: list[float]) -> float:
    return 0.1 * math.sin(u / 90 + start[1]) + 0.04 * math.sin(u / 37 + start[2])


def skyline(street: Street, y: float, x0: float, x1: float, tallest: float = 48) -> None:
    """Blocks that close the view."""
    luck = street.luck
    x = x0
    while x < x1:
        width, height = luck.uniform(12, 26), luck.uniform(14, tallest)
        state, style = luck.random(), luck.choice(things.FACADES)

        def block(pen, x=x, width=width, height=height, state=state, style=style, y=y + luck.uniform(0, 30)):  # noqa: B008
            wall = things.Wall(pen, (x, y), (1.0, 0.0), 0.86, pen.lens.distance((x, y, 0)))
            things.facade(wall, width, height, random.Random(state), style, shops=False)

        street.stand(x, y + 200, block)
        x += width + luck.uniform(0.5, 6)


def row(street: Street, x: float, start: float, end: float, *, tall=(3, 9), shops=True, gap=1.0, depth=14.0) -> None:
    """Buildings along one side, from near to far."""
    luck, y = street.luck, start
    while y < end:
        length, height = luck.uniform(9, 19), 3.5 * luck.randint(*tall)
        seed = luck.random()

        def house(pen, y=y, length=length, height=height, seed=seed):
            things.building(pen, random.Random(seed), x, y, y + length, depth, height, shops=shops)

        street.stand(x * 3, y + 100, house)  # behind whatever stands on the pavement
        y += length + luck.uniform(0.2, gap)


def flat(colour: Colour, x0: float, y0: float, x1: float, y1: float):
    return lambda pen: pen.face([(x0, y0, 0), (x1, y0, 0), (x1, y1, 0), (x0, y1, 0)], colour)


def stripes(
    pen: Pen, xs, y0: float, y1: float, width: float, colour: Colour, dash: float = 0, space: float = 0
) -> None:
    for x in xs:
        y = y0
        while y < y1:
            end = min(y1, y + dash) if dash else y1
            pen.face(
                [(x - width / 2, y, 0), (x + width / 2, y, 0), (x + width / 2, end, 0), (x - width / 2, end, 0)], colour
            )
            y = end + space if dash else y1


def paving(x0: float, x1: float, y0: float, y1: float, tone: Colour, tile: float = 1.0):
    def drawing(pen: Pen) -> None:
        flat(tone, x0, y0, x1, y1)(pen)
        joint, luck = shaded(tone, 0.93), random.Random(round(x0 * 7))
        for _ in range(40):
            x, y = luck.uniform(x0, x1 - tile), math.floor(luck.uniform(max(y0, 1), min(y1, 45)))
            x = x0 + math.floor((x - x0) / tile) * tile
            flat(shaded(tone, luck.uniform(0.95, 1.05)), x, y, min(x1, x + tile), y + tile)(pen)
        for y in range(math.ceil(max(y0, 0)), int(min(y1, 70))):
            flat(joint, x0, y - 0.02, x1, y + 0.02)(pen)
        x = x0 + tile
        while x < x1:
            flat(joint, x - 0.015, max(y0, 0), x + 0.015, min(y1, 70))(pen)
            x += tile

    return drawing


def kerb(x: float, y0: float, y1: float):
    """A kerb stone along the road."""

    def drawing(pen: Pen) -> None:
        flat(KERB, x - 0.14, y0, x + 0.14, y1)(pen)
        flat(shaded(KERB, 0.66), x - 0.2 if x > 0 else x + 0.14, y0, x - 0.14 if x > 0 else x + 0.2, y1)(pen)

    return drawing


def road(x0: float, x1: float, lanes: int, *, marks: bool = True, gap: tuple[float, float] | None = None):
    """Asphalt along the view with kerbs and markings; no lines within `gap` (a crossing)."""

    def drawing(pen: Pen) -> None:
        flat(ASPHALT, x0, -20, x1, FAR)(pen)
        luck = random.Random(round(x1 * 10))
        for _ in range(7):
            x, y = luck.uniform(x0 + 0.5, x1 - 3), luck.uniform(3, 60)
            flat(shaded(ASPHALT, luck.uniform(0.93, 1.06)), x, y, x + luck.uniform(0.8, 2.4), y + luck.uniform(2, 9))(
                pen
            )
        pitch = (x1 - x0) / lanes
        for lane in range(lanes):
            for side in (0.28, 0.72):
                x = x0 + (lane + side) * pitch
                flat(shaded(ASPHALT, 0.965), x - 0.28, -20, x + 0.28, FAR)(pen)
        if not marks:
            return
        for y0, y1 in ((-20, gap[0]), (gap[1], FAR)) if gap else ((-20, FAR),):
            middle = (x0 + x1) / 2
            stripes(pen, (middle - 0.14, middle + 0.14), y0, y1, 0.13, YELLOW)
            between = [x0 + pitch * i for i in range(1, lanes) if abs(x0 + pitch * i - middle) > 0.5]
            stripes(pen, between, y0, min(y1, 120), 0.13, WHITE, 3, 4)
            stripes(pen, (x0 + 0.5, x1 - 0.5), y0, y1, 0.12, shaded(YELLOW, 0.96))

    return drawing


def zebra(x0: float, x1: float, y0: float, y1: float):
    def drawing(pen: Pen) -> None:
        x = x0 + 0.35
        while x < x1 - 0.4:
            flat(WHITE, x, y0, x + 0.48, y1)(pen)
            x += 0.96
        middle = (x0 + x1) / 2
        flat(WHITE, middle + 0.3, y0 - 2.2, x1 - 0.3, y0 - 1.75)(pen)
        flat(WHITE, x0 + 0.3, y1 + 1.75, middle - 0.3, y1 + 2.2)(pen)

    return drawing


def tactile(x: float, y0: float, y1: float):
    """The yellow guiding strip for the blind."""
    return flat((222, 190, 92), x - 0.17, y0, x + 0.17, y1)


def looks(luck: random.Random, count: int, *, bus: bool = False) -> list[Look]:
    """Vehicles of a lane, in order; three kinds alternate, so that their drawings can be reused."""
    found = []
    for i in range(min(count, 3)):
        kind = luck.choice(("sedan", "sedan", "suv", "suv", "compact", "truck", "taxi"))
        if bus and i == 0:
            found.append(Look("bus", luck.choice(((66, 122, 82), (52, 98, 166), (196, 74, 60)))))
        elif kind == "truck":
            found.append(Look("truck", luck.choice(((62, 92, 146), (232, 234, 232)))))
        elif kind == "taxi":
            found.append(Look("taxi", luck.choice(((226, 150, 66), (238, 238, 234)))))
        else:
            found.append(Look(kind, luck.choice(PAINTS)))
    return found + [luck.choice(found[1:] or found) for _ in range(count - len(found))]


def avenue_lanes(
    street: Street, x0: float, x1: float, count: int, *, stop=None, stop_back=None, bus_stop=None, density=5
) -> None:
    """Lanes away on the right half, towards us on the left half."""
    pitch = (x1 - x0) / count
    for i in range(count):
        x = x0 + (i + 0.5) * pitch
        away = i >= count / 2
        kerbside = i in {0, count - 1}
        start, end = ((x, -16.0), (x, 150.0)) if away else ((x, 150.0), (x, -16.0))
        line = None if stop is None else (stop + 16 if away else 150 - stop_back)
        halt = bus_stop + 16 if bus_stop is not None and away and kerbside else None
        street.lanes.append(
            Lane(
                start, end, looks(street.luck, density - (1 if kerbside else 0), bus=halt is not None),
                speed=street.luck.uniform(8.5, 11), stop=line, bus_stop=halt,
            )
        )  # fmt: skip


def parked(street: Street, look: Look, x: float, y: float, heading: float) -> None:
    depth = street.lens.distance((x, y - 1, 0))

    def drawing(pen: Pen) -> None:
        pen.shadow(footprint(look, (x, y, 0), heading), 225)
        draw(pen, look, (x, y, 0), heading, depth=depth)

    street.stand(x, y, drawing)


def lamps(street: Street, x: float, ys, arm: float) -> None:
    for y in ys:
        street.stand(x, y, lambda pen, y=y: things.street_lamp(pen, x, y, arm=arm))


def trees(street: Street, x: float, ys, leaf: Colour, height=(5.5, 7.5)) -> None:
    for y in ys:
        seed, tall = street.luck.random(), street.luck.uniform(*height)
        street.ground.append(flat((120, 104, 84), x - 0.6, y - 0.6, x + 0.6, y + 0.6))
        street.stand(
            x, y, lambda pen, y=y, s=seed, t=tall: things.tree(pen, random.Random(s), x, y, height=t, leaf=leaf)
        )


def crossing(luck: random.Random) -> Street:
    street = Street("CROSSING", Lens(height=6.4, pitch=16, yaw=-10), luck)
    x0, x1, near, far = -12.5, 1.5, 15.0, 19.5
    street.ground += [
        paving(-60, x0, -20, FAR, PAVING), paving(x1, 60, -20, FAR, shaded(PAVING, 1.02)),
        road(x0, x1, 4, gap=(near - 1.8, far + 1.8)), kerb(x0, -20, FAR), kerb(x1, -20, FAR),
        tactile(x0 - 1.6, -20, 90), tactile(x1 + 1.6, -20, 90),
        flat((222, 190, 92), x0 - 1.2, near, x0 - 0.4, far), flat((222, 190, 92), x1 + 0.4, near, x1 + 1.2, far),
        zebra(x0, x1, near, far),
    ]  # fmt: skip
    row(street, -18.5, 3, 130, tall=(3, 8))
    row(street, 8, 22, 130, tall=(3, 7))
    skyline(street, 175, -110, 90)
    leaf = luck.choice(LEAVES)
    trees(street, -14.2, range(8, 14, 6), leaf)
    trees(street, -14.2, range(26, 100, 9), leaf)
    trees(street, 3.4, range(28, 100, 9), leaf)
    lamps(street, -13.3, (9, 31, 56, 82), 2.4)
    lamps(street, 2.3, (36, 64), -2.4)
    street.stand(2.4, 21.5, lambda pen: street.signals.append(things.signal_arm(pen, 2.4, 21.5, -5.0)))
    for y in (near + 0.6, far - 0.6):
        street.stand(x1, y, lambda pen, y=y: things.bollard(pen, x1 + 0.5, y))
    avenue_lanes(street, x0, x1, 4, stop=near - 2.2, stop_back=far + 2.2)
    street.paths += [cross(luck, x0, x1, (near + far) / 2) for _ in range(9)]
    street.paths += [stroll(luck, [(x, -4), (x, 80)]) for x in (-15.6, -16.3, 4.8, 5.8, -16, 5.2)]
    return street


def bus_stop(luck: random.Random) -> Street:
    street = Street("BUS STOP", Lens(height=6.0, pitch=14, yaw=8), luck)
    x0, x1 = -16.0, -2.0
    street.ground += [
        paving(-60, x0, -20, FAR, PAVING), paving(x1, 60, -20, FAR, shaded(PAVING, 1.03)),
        road(x0, x1, 4), kerb(x0, -20, FAR), kerb(x1, -20, FAR), tactile(x1 + 1.3, -20, 90),
        lambda pen: stripes(pen, (x1 - 3.45,), -20, 120, 0.16, (74, 122, 186)),
        flat((222, 190, 92), x1 + 0.3, 15, x1 + 0.8, 24),
    ]  # fmt: skip
    street.stand(0.2, 20, lambda pen: things.shelter(pen, 0.2, 15.5, 22.5))
    row(street, 6.5, 6, 130, tall=(2, 6))
    row(street, -22, 8, 130, tall=(3, 10))
    skyline(street, 170, -100, 90)
    leaf = luck.choice(LEAVES)
    trees(street, 0.2, range(31, 100, 10), leaf)
    trees(street, -18, range(14, 100, 9), leaf)
    lamps(street, -0.9, (27, 54, 82), -2.6)
    lamps(street, -17, (20, 46, 72), 2.6)
    avenue_lanes(street, x0, x1, 4, bus_stop=21, density=4)
    street.paths += [wait(luck, luck.uniform(-0.6, 1.2), luck.uniform(15.5, 23)) for _ in range(5)]
    street.paths += [stroll(luck, [(x, -4), (x, 80)]) for x in (2.8, 3.6, 4.6, 3.2, -19.5, -20, 4.1)]
    return street


def park_edge(luck: random.Random) -> Street:
    street = Street("PARK EDGE", Lens(height=5.6, pitch=15, yaw=4), luck)
    x0, x1 = -11.0, -4.0
    street.ground += [
        flat(GRASS, -60, -20, 60, FAR), paving(-15.5, x0, -20, FAR, PAVING), road(x0, x1, 2),
        kerb(x0, -20, FAR), kerb(x1, -20, FAR), paving(x1, -0.8, -20, FAR, (196, 176, 156)),
        flat((170, 104, 92), 0.6, -20, 3.4, FAR),
        lambda pen: stripes(pen, (2.0,), -20, 120, 0.1, WHITE, 2, 3),
        lambda pen: [pen.face(circle((x, y, 0), 2.2, 18), shaded(GRASS, tone)) for x, y, tone in patches],
    ]  # fmt: skip
    patches = [(luck.uniform(6, 30), luck.uniform(5, 70), luck.uniform(0.93, 1.07)) for _ in range(26)]
    leaf = luck.choice(LEAVES)
    trees(street, -0.1, range(22, 110, 10), leaf, (5.5, 7))
    for _ in range(22):
        x, y = luck.uniform(5.5, 34), luck.uniform(12, 90)
        trees(street, x, [y], luck.choice(LEAVES), (5, 9))
    row(street, -16, 6, 130, tall=(3, 5))
    skyline(street, 190, -120, -20)
    skyline(street, 240, -10, 140, 36)
    lamps(street, -3.3, (15, 39, 63, 87), -1.8)
    lamps(street, 4.4, (22, 48, 74), -1.4)
    for y in (13.5, 25, 34):
        street.stand(4.9, y, lambda pen, y=y: things.bench(pen, 5.2, y))
    avenue_lanes(street, x0, x1, 2, density=4)
    street.paths += [
        stroll(luck, [(x, -4), (x, 90)], wander=0.7) for x in (-2.4, -2.0, -2.8, 2, 1.4, 2.6, 2, -13, -13.6)
    ]
    street.paths += [wait(luck, 5.4, 24.4), wait(luck, 8.4, 17)]
    return street


def alley(luck: random.Random) -> Street:
    street = Street("ALLEY", Lens(height=5.2, pitch=14, yaw=-3), luck)
    x0, x1 = -4.6, 2.6
    street.ground += [
        flat(mixed(ASPHALT, PAVING, 0.25), -60, -20, 60, FAR), road(x0 + 0.6, x1 - 0.6, 1, marks=False),
        lambda pen: stripes(pen, (x0 + 0.7, x1 - 0.7), -20, 120, 0.11, WHITE),
    ]  # fmt: skip
    row(street, x0 - 0.6, -4, 110, tall=(2, 4), gap=0.8, depth=9)
    row(street, x1 + 0.6, 5, 110, tall=(2, 4), gap=0.8, depth=9)
    skyline(street, 125, -50, 50, 30)
    posts = [(x1 + 0.1, y) for y in (14.0, 34.0, 54.0, 74.0)]
    for x, y in posts:
        street.stand(x, y, lambda pen, x=x, y=y: things.pole(pen, x, y, 9))
        lamps(street, x - 0.05, (y - 0.1,), -1.0)
    street.stand(x1, 13.5, lambda pen: things.wires(pen, [(x1 + 0.1, -6.0), *posts], 8.6))
    parked(street, looks(luck, 1)[0], x0 + 1.2, 17, 0)
    parked(street, looks(luck, 1)[0], x0 + 1.2, 30, 0)
    street.lanes.append(Lane((-0.2, -16), (-0.2, 110), looks(luck, 2), speed=4.5))
    xs = (-3.4, -2.6, 1.4, 1.8, 1.0, -1.8, 1.6, -2.2, 0.6)
    street.paths += [stroll(luck, [(x, -4), (x, luck.uniform(40, 70))], wander=0.3) for x in xs]
    street.paths += [wait(luck, 1.6, 11.5)]
    return street


def plaza(luck: random.Random) -> Street:
    street = Street("PLAZA", Lens(height=7.0, pitch=18, yaw=0), luck)
    light, dark = (208, 202, 192), (182, 172, 160)
    street.ground += [
        paving(-70, 70, -20, 66, light, 2.0), flat(ASPHALT, -120, 66, 120, 80),
        flat(YELLOW, -120, 72.8, 120, 73.05), flat(YELLOW, -120, 73.3, 120, 73.55), flat(PAVING, -120, 80, 120, FAR),
        lambda pen: [pen.face(circle((0, 27, 0), radius, 40), tone) for radius, tone in basin(light, dark)],
    ]  # fmt: skip
    skyline(street, 84, -110, 110, 42)
    leaf = luck.choice(LEAVES)
    for side in (-1, 1):
        for x in (12, 17):
            trees(street, side * x, range(14, 60, 8), leaf, (5, 6.5))
        for y in (18, 26, 34):
            street.stand(side * 8.9, y, lambda pen, x=side * 8.9, y=y: things.bench(pen, x, y))
        lamps(street, side * 10.4, (15, 31, 47), -side * 0.9)
    street.stand(0, 27, lambda pen: sculpture(pen, 0, 27))
    for lane, y in ((0, 69.5), (1, 76.5)):
        start, end = ((-95, y), (95, y)) if lane == 0 else ((95, y), (-95, y))
        street.lanes.append(Lane(start, end, looks(luck, 5), speed=9))
    for _ in range(12):
        a, b = luck.uniform(-20, -7), luck.uniform(7, 20)
        y0, y1 = luck.uniform(10, 58), luck.uniform(10, 58)
        around = [(a, y0), (luck.choice((-6.5, 6.5)), luck.choice((18, 37))), (b, y1)]
        street.paths.append(stroll(luck, around, wander=0.2))
    street.paths += [stroll(luck, [(luck.uniform(-7, -5), 4), (luck.uniform(-9, -6), 64)]) for _ in range(3)]
    street.paths += [wait(luck, -8.6, 17.2), wait(luck, 7.9, 25.2), wait(luck, 3.5, 20), wait(luck, 4.4, 20.3)]
    return street


def basin(light: Colour, dark: Colour) -> list[tuple[float, Colour]]:
    """A ring in the paving, then a fountain's steps, rim and water."""
    stone = (7.2, shaded(dark, 0.94)), (5.6, (150, 146, 140))
    return [(11, dark), (10.3, light), *stone, (5.1, (112, 158, 178)), (4.2, (128, 172, 190))]


def sculpture(pen: Pen, x: float, y: float) -> None:
    """Three rising rings over the water."""
    distance = pen.lens.distance((x, y, 0))
    things.box(pen, x - 1, y - 1, x + 1, y + 1, 0, 0.7, (170, 166, 160))
    for i in range(3):
        centre, radius = 1.9 + i * 1.15, 1.25 - i * 0.22
        for k in range(40):
            a = 2 * math.pi * k / 40
            point = (x + radius * math.cos(a), y + 0.1 * i, centre + radius * 0.55 * math.sin(a) + 0.35 * math.cos(a))
            pen.disc(
                point, 0.13, mixed((206, 210, 212), (108, 122, 136), 0.5 - 0.5 * math.sin(a)), (40, 60, 70), distance
            )
    pen.pool((x, y, 0), 6.0, (40, 62, 72))


def car_park(luck: random.Random) -> Street:
    street = Street("CAR PARK", Lens(height=7.2, pitch=19, yaw=-6), luck)
    street.ground += [
        flat(GRASS, -90, -20, 90, FAR),
        flat(ASPHALT, -28, -20, 26, 62),
        kerb(-28, -20, 62),
        kerb(26, -20, 62),
    ]
    bays = [(-24.5, 90), (-12.0, 90), (-6.8, -90), (8.0, 90), (13.4, -90)]

    def lines(pen: Pen) -> None:
        for x, _ in bays:
            for y in range(4, 61, 3):
                y = y * 0.95
                flat(WHITE, x - 2.5, y - 0.06, x + 2.5, y + 0.06)(pen)
        for x, y in ((0.6, 14), (0.6, 34), (-18.2, 22)):
            flat(WHITE, x - 0.1, y, x + 0.1, y + 2.4)(pen)
            pen.face([(x - 0.5, y + 2.2, 0), (x + 0.5, y + 2.2, 0), (x, y + 3.4, 0)], WHITE)
        flat((74, 122, 186), 5.6, 11.5, 10.4, 14.1)(pen)

    street.ground.append(lines)
    for x, heading in bays:
        for slot in range(19):
            if luck.random() < 0.62:
                look = looks(luck, 1)[0]
                parked(
                    street,
                    look,
                    x + luck.uniform(-0.2, 0.2),
                    (slot + 4.0 / 3 + 0.5) * 2.85,
                    heading + luck.choice((0, 0, 180)),
                )
    leaf = luck.choice(LEAVES)
    trees(street, -30, range(8, 66, 7), leaf)
    trees(street, 28, range(14, 66, 7), leaf)
    for x in range(-24, 27, 8):
        trees(street, x, [66], leaf)
    skyline(street, 90, -110, 110, 34)
    lamps(street, -9.4, (14, 34, 54), 1.6)
    lamps(street, 10.7, (24, 46), -1.6)
    lamps(street, -27.2, (24, 46), 1.6)
    street.lanes += [
        Lane((0.8, -14), (0.8, 62), looks(luck, 2), speed=3.6),
        Lane((-18.2, 62), (-18.2, -14), looks(luck, 2), speed=3.4, offset=11),
    ]
    xs = (-3.2, 3.4, -15.4, -20.6, 3.9, -3.0)
    street.paths += [stroll(luck, [(x, -2), (x, luck.uniform(30, 60)), (x + luck.uniform(-2, 2), 62)]) for x in xs]
    street.paths += [stroll(luck, [(-26, y), (24, y)], wander=0.1) for y in (62.6, 63.4)]
    return street


KINDS = (crossing, bus_stop, plaza, park_edge, alley, car_park)


def street_of(seed: int) -> Street:
    """The street of a camera's number: kinds take turns, details differ."""
    return KINDS[(seed - 1) % len(KINDS)](random.Random(seed * 7919))
