"""From the street to the picture: a pinhole camera on a pole, and where it looks.

The world is in metres: x to the right of the camera, y away from it, z up from the ground.
Picture coordinates (u, v) count from the centre of the home view, in units of a 640 x 360 picture.
"""

import math
from dataclasses import dataclass

Point = tuple[float, float, float]
NEAR = 0.6
WIDTH, HEIGHT = 640, 360
# What is painted around the home view, so that a camera can pan and tilt: half width and half height.
REACH_U, REACH_V = 640, 270


@dataclass(frozen=True)
class View:
    """Where a camera looks: degrees right and up from home, and magnification (1 to 4)."""

    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 1.0

    def window(self, focal: float) -> tuple[float, float, float, float]:
        """The part of the painted surroundings in view: left, top, right, bottom."""
        zoom = min(4.0, max(1.0, self.zoom))
        half_u, half_v = WIDTH / 2 / zoom, HEIGHT / 2 / zoom
        u = focal * math.tan(math.radians(min(60.0, max(-60.0, self.pan))))
        v = -focal * math.tan(math.radians(min(60.0, max(-60.0, self.tilt))))
        u = min(REACH_U - half_u, max(half_u - REACH_U, u))
        v = min(REACH_V - half_v, max(half_v - REACH_V, v))
        return u - half_u, v - half_v, u + half_u, v + half_v


class Lens:
    def __init__(self, *, height: float = 6.0, pitch: float = 15.0, yaw: float = 0.0, focal: float = 470.0):
        self.height, self.focal = height, focal
        self.cos_pitch, self.sin_pitch = math.cos(math.radians(pitch)), math.sin(math.radians(pitch))
        self.cos_yaw, self.sin_yaw = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
        self.horizon = -focal * math.tan(math.radians(pitch))

    def turned(self, point: Point) -> Point:
        """Right, ahead and up as the camera sees them."""
        x, y, z = point
        side = x * self.cos_yaw - y * self.sin_yaw
        ahead = x * self.sin_yaw + y * self.cos_yaw
        drop = z - self.height
        return (
            side,
            ahead * self.cos_pitch - drop * self.sin_pitch,
            drop * self.cos_pitch + ahead * self.sin_pitch,
        )

    def flat(self, turned: Point) -> tuple[float, float]:
        return self.focal * turned[0] / turned[1], -self.focal * turned[2] / turned[1]

    def project(self, point: Point) -> tuple[float, float]:
        """Picture coordinates of a point in front of the camera."""
        return self.flat(self.turned(point))

    def distance(self, point: Point) -> float:
        return self.turned(point)[1]

    def outline(self, points) -> list[tuple[float, float]]:
        """A polygon in the picture, cut off just before the camera; empty when all is behind."""
        turned = [self.turned(point) for point in points]
        if all(point[1] >= NEAR for point in turned):
            return [self.flat(point) for point in turned]
        kept: list[Point] = []
        for before, after in zip(turned[-1:] + turned[:-1], turned, strict=True):
            if (before[1] < NEAR) != (after[1] < NEAR):
                part = (NEAR - before[1]) / (after[1] - before[1])
                kept.append(tuple(a + part * (b - a) for a, b in zip(before, after, strict=True)))
            if after[1] >= NEAR:
                kept.append(after)
        return [self.flat(point) for point in kept] if len(kept) > 2 else []

    def pixels_per_metre(self, point: Point) -> float:
        return self.focal / max(NEAR, self.distance(point))

    def ground_distance(self, v: float) -> float:
        """How far the ground is along a row of the picture; infinite from the horizon up."""
        down = v * self.cos_pitch + self.focal * self.sin_pitch
        return math.inf if down <= 0.01 else self.height * self.focal / down
