"""Where everything that moves is at a given time: pure functions of the clock, the same on every run."""

import math
import random
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from .people import STEPS, Figure, figure
from .vehicles import Look

CYCLE = 48.0  # seconds of one round of the signals, and of the traffic
AMBER = 4.0
RED = (0.0, 20.0)  # within the round, cars wait and people cross
STEP = 0.2


class Car(NamedTuple):
    look: Look
    along: float


class Walker(NamedTuple):
    who: Figure
    x: float
    y: float
    dx: float
    dy: float
    step: int  # -1 stands


@dataclass
class Lane:
    """A straight lane from `start` to `end`; cars stop at `stop` metres along it while it is red."""

    start: tuple[float, float]
    end: tuple[float, float]
    looks: list[Look]
    speed: float = 9.0
    stop: float | None = None
    bus_stop: float | None = None
    offset: float = 0.0
    runs: list[tuple[float, Look, list[float]]] = field(init=False)

    def __post_init__(self):
        self.length = math.dist(self.start, self.end)
        self.heading = math.degrees(math.atan2(self.end[0] - self.start[0], self.end[1] - self.start[1]))
        ahead = (self.end[0] - self.start[0]) / self.length, (self.end[1] - self.start[1]) / self.length
        # Where the lane passes the foot of the camera's pole, and how far to the side.
        self.nearest = -(self.start[0] * ahead[0] + self.start[1] * ahead[1])
        self.aside = abs(self.start[0] * ahead[1] - self.start[1] * ahead[0])
        self.runs = _drive(self)

    def point(self, along: float) -> tuple[float, float, float]:
        part = along / self.length
        return (
            self.start[0] + part * (self.end[0] - self.start[0]),
            self.start[1] + part * (self.end[1] - self.start[1]),
            0.0,
        )

    def cars(self, at: float) -> list[Car]:
        found = []
        for began, look, run in self.runs:
            age = (at + self.offset - began) % CYCLE
            while (step := int(age / STEP)) + 1 < len(run):
                here, there = run[step], run[step + 1]
                found.append(Car(look, here + (there - here) * (age / STEP - step)))
                age += CYCLE
        return found


def _drive(lane: Lane) -> list[tuple[float, Look, list[float]]]:
    """Lets the cars of four rounds follow one another, and keeps one round of their runs."""
    gap = CYCLE / len(lane.looks)
    cars = [
        {"began": i * gap, "look": lane.looks[i % len(lane.looks)], "s": 0.0, "v": lane.speed, "run": [], "rest": 0.0}
        for i in range(4 * len(lane.looks))
    ]
    for tick in range(round(8 * CYCLE / STEP)):
        now = tick * STEP
        ahead = None
        for car in cars:
            if now < car["began"] or car["s"] > lane.length:
                continue
            car["run"].append(car["s"])
            _advance(lane, car, ahead, now)
            ahead = car
    keep = cars[2 * len(lane.looks) : 3 * len(lane.looks)]
    return [(car["began"] % CYCLE, car["look"], car["run"]) for car in keep]


def _advance(lane: Lane, car: dict, ahead: dict | None, now: float) -> None:
    """One step of the intelligent-driver rule, towards the car ahead or a red light."""
    blocks = [(1e6, car["v"])]  # room to what is ahead, and how fast that goes
    if ahead and ahead["s"] <= lane.length:
        between = (ahead["look"].shape.length + car["look"].shape.length) / 2 + 1.6
        blocks.append((ahead["s"] - between - car["s"], ahead["v"]))
    phase = now % CYCLE
    if lane.stop is not None and car["s"] < lane.stop:
        to_line = lane.stop - car["s"] - car["look"].shape.length / 2
        # Amber: who can still brake, brakes.
        if (phase < RED[1] or phase > CYCLE - AMBER) and to_line > -1 and to_line > car["v"] ** 2 / 9 - 1:
            blocks.append((to_line, 0.0))
    if lane.bus_stop is not None and car["look"].kind == "bus" and car["rest"] < 9 and car["s"] < lane.bus_stop:
        blocks.append((lane.bus_stop - car["s"], 0.0))
        if car["v"] < 0.3 and lane.bus_stop - car["s"] < 2.5:
            car["rest"] += STEP
    v = car["v"]
    urge = max((1.2 * v + max(0.0, v * (v - speed) / 4.5)) / max(room, 0.3) for room, speed in blocks)
    room = min(room for room, _ in blocks)
    pull = 1.6 * (1 - (v / lane.speed) ** 4 - urge**2)
    car["v"] = max(0.0, v + max(-6.0, pull) * STEP) if room > 0.25 else 0.0
    car["s"] += car["v"] * STEP


@dataclass
class Path:
    """A person's way: (second, x, y) points, walked once every `period` seconds."""

    who: Figure
    points: list[tuple[float, float, float]]
    period: float
    offset: float = 0.0

    def walker(self, at: float) -> Walker | None:
        now = (at + self.offset) % self.period
        i = bisect_right(self.points, (now, math.inf, 0.0))
        if i == 0 or i == len(self.points):
            return None
        (t0, x0, y0), (t1, x1, y1) = self.points[i - 1], self.points[i]
        part = (now - t0) / (t1 - t0)
        x, y = x0 + (x1 - x0) * part, y0 + (y1 - y0) * part
        walks = math.hypot(x1 - x0, y1 - y0) > 0.05
        pace = 2 * STEPS / 2 / self.who.height * 1.55
        step = int(now * pace) % STEPS if walks else -1
        return Walker(self.who, x, y, x1 - x0, y1 - y0, step)


def stroll(luck: random.Random, corners: list[tuple[float, float]], *, wander: float = 0.5) -> Path:
    """Along corners at a walking pace, at some time of a few rounds."""
    who, pace, shift = figure(luck), luck.uniform(1.05, 1.5), luck.uniform(-wander, wander)
    if luck.random() < 0.5:
        corners = corners[::-1]
    points, now = [], 0.0
    for i, (x, y) in enumerate(corners):
        if i:
            now += math.dist(corners[i - 1], (x, y)) / pace
        points.append((now, x + shift, y))
    period = max(CYCLE, now * luck.uniform(1.05, 1.5))
    return Path(who, points, period, luck.uniform(0, period))


def wait(luck: random.Random, x: float, y: float) -> Path:
    """Somebody who stands and sometimes takes a few steps."""
    dx = luck.uniform(0.4, 1.6) * luck.choice((-1, 1))
    points = [(0, x, y), (14, x, y), (16, x + dx, y), (29, x + dx, y), (31, x, y), (40, x, y)]
    return Path(figure(luck), points, 40, luck.uniform(0, 40))


def cross(luck: random.Random, left: float, right: float, y: float) -> Path:
    """Comes along the pavement, waits at the kerb for green, crosses, goes on."""
    a, b = (left, right) if luck.random() < 0.5 else (right, left)
    way = 1 if b > a else -1
    y += luck.uniform(-1.3, 1.3)
    pace = luck.uniform(1.1, 1.5)
    far = y + luck.choice((1, 1, -1)) * luck.uniform(12, 26)
    green = luck.uniform(4.0, 6.5)
    arrive = luck.uniform(-14, -1)
    over = abs(b - a) / pace
    away = y + luck.uniform(10, 30)
    walk_in, walk_out = abs(far - y) / pace, abs(away - y) / pace
    t0 = arrive - walk_in
    kerb_a, kerb_b = a - way * 0.8, b + way * 0.8
    points = [
        (0.0, kerb_a, far),
        (walk_in, kerb_a, y),
        (green - t0, kerb_a, y),
        (green - t0 + over, kerb_b, y),
        (green - t0 + over + walk_out, kerb_b, away),
    ]
    rounds = math.ceil((points[-1][0] + 1) / CYCLE)
    return Path(figure(luck), points, rounds * CYCLE, -t0 + luck.randrange(rounds) * CYCLE)
