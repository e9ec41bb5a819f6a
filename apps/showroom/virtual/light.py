"""Sun and lamps by the time of day at the city's place."""

import math
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from itertools import pairwise

Light3 = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """`ambient` and `sun` multiply a thing's colour; `lamps` is 0 by day and 1 by night."""

    height: float
    ambient: Light3
    sun: Light3
    zenith: Light3
    horizon: Light3
    lamps: float


_BY_HEIGHT = [
    Light(-90, (0.25, 0.29, 0.42), (0, 0, 0), (12, 18, 42), (44, 52, 88), 1.0),
    Light(-10, (0.26, 0.30, 0.43), (0, 0, 0), (14, 20, 46), (56, 58, 94), 1.0),
    Light(-4, (0.33, 0.33, 0.42), (0.02, 0.01, 0.02), (34, 48, 96), (176, 122, 124), 1.0),
    Light(1, (0.44, 0.41, 0.46), (0.24, 0.13, 0.06), (86, 118, 172), (250, 188, 140), 0.75),
    Light(7, (0.54, 0.54, 0.57), (0.42, 0.32, 0.20), (104, 154, 208), (246, 220, 190), 0.0),
    Light(20, (0.57, 0.60, 0.65), (0.47, 0.43, 0.35), (104, 164, 222), (210, 230, 240), 0.0),
    Light(90, (0.58, 0.62, 0.67), (0.48, 0.45, 0.38), (92, 154, 220), (206, 229, 242), 0.0),
]


def sun_height(at: float, place: tuple[float, float]) -> float:
    """Degrees above the horizon at unix time `at` and (longitude, latitude); good to half a degree."""
    lon, lat = place
    moment = datetime.fromtimestamp(at, UTC)
    day = moment.timetuple().tm_yday + (moment.hour + moment.minute / 60) / 24
    tilt = math.radians(-23.44 * math.cos(2 * math.pi * (day + 9) / 365.24))
    turn = 2 * math.pi * (day - 81) / 365
    minutes = 9.87 * math.sin(2 * turn) - 7.53 * math.cos(turn) - 1.5 * math.sin(turn)
    solar = (at % 86_400) / 3600 + lon / 15 + minutes / 60
    angle = math.radians(15 * (solar - 12))
    lat = math.radians(lat)
    height = math.sin(lat) * math.sin(tilt) + math.cos(lat) * math.cos(tilt) * math.cos(angle)
    return math.degrees(math.asin(height))


def held_height(hours: float) -> float:
    """The sun's height on a spring day in the middle of Korea, when the light is held at one time of day."""
    return (
        53.6 * math.sin(math.pi * (hours - 6.4) / 12)
        if 6.4 <= hours <= 18.4
        else -30 * min(1.0, abs((hours - 12.4 + 12) % 24 - 12) - 6)
    )


def light_at(height: float) -> Light:
    """The light for a height of the sun."""
    for lower, upper in pairwise(_BY_HEIGHT):
        if height <= upper.height:
            part = (height - lower.height) / (upper.height - lower.height)
            return Light(*(_between(getattr(lower, f.name), getattr(upper, f.name), part) for f in fields(Light)))
    return _BY_HEIGHT[-1]


def _between(a, b, part: float):
    if isinstance(a, tuple):
        return tuple(_between(x, y, part) for x, y in zip(a, b, strict=True))
    return a + (b - a) * part
