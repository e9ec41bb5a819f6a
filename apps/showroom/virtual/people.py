"""Walking figures, drawn once per look, direction, step and size, and shared by all cameras."""

import math
import random
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFilter

from .pen import Colour, shaded
from .sprites import Sprite

STEPS = 8
_SKIN: tuple[Colour, ...] = ((238, 204, 176), (226, 188, 158), (208, 168, 138))
_COATS: tuple[Colour, ...] = (
    (60, 72, 98), (196, 84, 70), (232, 224, 210), (82, 112, 96), (214, 168, 88), (110, 122, 140),
    (46, 48, 54), (150, 96, 118), (104, 142, 178), (176, 140, 108),
)  # fmt: skip
_LEGS: tuple[Colour, ...] = ((52, 60, 80), (40, 42, 46), (132, 118, 100), (86, 100, 124))


@dataclass(frozen=True)
class Figure:
    coat: Colour
    legs: Colour
    skin: Colour
    hair: Colour
    height: float
    long_hair: bool
    bag: Colour | None


def figure(luck: random.Random) -> Figure:
    child = luck.random() < 0.14
    return Figure(
        coat=luck.choice(_COATS),
        legs=luck.choice(_LEGS),
        skin=luck.choice(_SKIN),
        hair=luck.choice(((34, 30, 30), (54, 42, 36), (28, 28, 32), (120, 116, 112))),
        height=luck.uniform(1.15, 1.35) if child else luck.uniform(1.58, 1.8),
        long_hair=luck.random() < 0.4,
        bag=luck.choice((None, None, (120, 74, 52), (62, 66, 72), (214, 96, 72))),
    )


@lru_cache(maxsize=6000)
def sprite(who: Figure, way: str, step: int, pixels: int) -> Sprite:
    """`way` is left, right, near or far; `step` counts the phases of walking, -1 stands still."""
    fine = max(2, min(6, 200 // pixels))  # drawn so many times finer than kept
    wide, high = round(pixels * 0.95) + 4, round(pixels * 1.12) + 4
    image = Image.new("RGBA", (wide * fine, high * fine))
    shadow = Image.new("L", image.size)
    foot = (wide / 2) * fine, (high - pixels * 0.06 - 2) * fine
    unit = pixels * fine  # one body height
    ImageDraw.Draw(shadow).ellipse(
        (foot[0] - unit * 0.16, foot[1] - unit * 0.045, foot[0] + unit * 0.42, foot[1] + unit * 0.05), fill=150
    )
    _body(ImageDraw.Draw(image), who, way, step, foot, unit)
    small = shadow.reduce(fine).filter(ImageFilter.GaussianBlur(max(0.4, pixels * 0.02)))
    body = image.convert("RGBa").reduce(fine)
    return Sprite.made(Image.frombytes("RGBA", body.size, body.tobytes()), small, None, (wide / 2, foot[1] / fine))


def _body(draw: ImageDraw.ImageDraw, who: Figure, way: str, step: int, foot, unit: float) -> None:
    x, y = foot
    phase = 2 * math.pi * step / STEPS
    swing = 0.0 if step < 0 else math.sin(phase)
    bob = 0.0 if step < 0 else abs(math.cos(phase)) * 0.012
    hip, neck, head = y - unit * (0.47 + bob), y - unit * (0.82 + bob), y - unit * (0.905 + bob)
    limb = unit * 0.085
    aside = way in {"left", "right"}
    sign = -1 if way == "left" else 1
    if aside:
        _side_legs(draw, who, x, hip, y, unit, swing * sign, limb)
        _arm(draw, shaded(who.coat, 0.78), x, neck + unit * 0.05, unit, swing * sign, limb * 0.8)
    else:
        _front_legs(draw, who, x, hip, y, unit, swing, limb)
        for edge, lift in ((-1, swing), (1, -swing)):
            ax = x + edge * unit * 0.125
            draw.line(
                (ax, neck + unit * 0.05, ax + edge * unit * 0.025, hip + unit * (0.04 + 0.03 * lift)),
                shaded(who.coat, 0.85),
                round(limb * 0.8),
            )
    half = unit * (0.085 if aside else 0.125)
    draw.rounded_rectangle((x - half, neck, x + half, hip + unit * 0.07), unit * 0.055, fill=who.coat)
    draw.rounded_rectangle((x, neck, x + half, hip + unit * 0.07), unit * 0.05, fill=shaded(who.coat, 0.88))
    if who.bag:
        bag_x = x - sign * half if aside else x
        if way != "near":
            draw.rounded_rectangle(
                (bag_x - unit * 0.07, neck + unit * 0.05, bag_x + unit * 0.07, neck + unit * 0.24),
                unit * 0.03,
                fill=who.bag,
            )
    if aside:
        _arm(draw, shaded(who.coat, 0.94), x, neck + unit * 0.05, unit, -swing * sign, limb * 0.8)
    _head(draw, who, way, x, head, unit, sign)


def _side_legs(draw, who, x, hip, ground, unit, swing, limb) -> None:
    for part, tone in ((-swing, 0.8), (swing, 1.0)):
        knee = x + part * unit * 0.085, hip + (ground - hip) * 0.5
        ankle = x + part * unit * 0.17, ground - unit * 0.02 - max(0.0, -part) * unit * 0.03
        colour = shaded(who.legs, tone)
        draw.line((x, hip, *knee), colour, round(limb))
        draw.line((*knee, *ankle), colour, round(limb * 0.85))
        draw.ellipse(
            (ankle[0] - limb * 0.55, ankle[1] - limb * 0.35, ankle[0] + limb * 0.85, ankle[1] + limb * 0.4),
            fill=(44, 40, 40),
        )


def _front_legs(draw, who, x, hip, ground, unit, swing, limb) -> None:
    for edge, part in ((-1, swing), (1, -swing)):
        lx = x + edge * unit * 0.055
        end = ground - unit * (0.01 + 0.05 * max(0.0, part))
        draw.line((lx, hip, lx, end), shaded(who.legs, 0.9 + 0.1 * part), round(limb))
        draw.ellipse((lx - limb * 0.5, end - limb * 0.4, lx + limb * 0.5, end + limb * 0.4), fill=(44, 40, 40))


def _arm(draw, colour, x, shoulder, unit, swing, width) -> None:
    draw.line((x, shoulder, x + swing * unit * 0.12, shoulder + unit * 0.3), colour, round(width))


def _head(draw, who, way, x, y, unit, sign) -> None:
    r = unit * 0.068
    if who.long_hair:
        draw.rounded_rectangle((x - r * 1.1, y - r * 0.6, x + r * 1.1, y + r * 2.0), r * 0.8, fill=who.hair)
    draw.ellipse((x - r, y - r, x + r, y + r * 1.1), fill=who.hair if way == "far" else who.skin)
    if way != "far":
        shift = 0 if way == "near" else -sign * r * 0.45
        draw.pieslice(
            (x - r * 1.08 + shift * 0.3, y - r * 1.25, x + r * 1.08 + shift * 0.3, y + r * 0.9), 180, 360, fill=who.hair
        )
        if shift:
            draw.ellipse((x + shift - r * 0.7, y - r * 0.9, x + shift + r * 0.6, y + r * 0.6), fill=who.hair)
