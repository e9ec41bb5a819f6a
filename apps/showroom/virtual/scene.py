"""placeholder"""

from dataclasses import dataclass
import numpy as np
from . import clock


@dataclass(frozen=True)
class View:
    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 1.0


class Scene:
    def __init__(self, seed, size=(640, 360), daylight=None):
        self.seed, self.size = seed, size

    def frame(self, at, live=True):
        w, h = self.size
        p = np.full((h * 3 // 2, w), 128, np.uint8)
        x = int(at * 60) % (w - 40)
        p[100:140, x : x + 40] = 200
        clock.draw(p[:h], round(at * 1000) if live else None)
        return p
