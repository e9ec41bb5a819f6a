"""Type for captions and signs. Korean where the system has a Korean face, otherwise ASCII only."""

from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_KOREAN = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc",
    "/usr/share/fonts/truetype/nanum/NanumGothicBold.ttf",
    "/usr/share/fonts/truetype/unfonts-core/UnDotumBold.ttf",
)


@lru_cache(maxsize=1)
def korean_face() -> str | None:
    return next((path for path in _KOREAN if Path(path).exists()), None)


@lru_cache(maxsize=64)
def face(size: int, korean: bool = False) -> ImageFont.FreeTypeFont:
    path = korean_face() if korean else None
    # Index 1 of the collection holds the Korean forms.
    return (
        ImageFont.truetype(path, size, index=1 if path.endswith(".ttc") else 0)
        if path
        else ImageFont.load_default(size)
    )


def caption(text: str, size: int) -> Image.Image:
    """White text on nothing, as a mask (L) with a line of room around."""
    font = face(size, korean=not text.isascii())
    left, top, right, bottom = font.getbbox(text)
    image = Image.new("L", (round(right - left) + 4, round(bottom - top) + 4))
    ImageDraw.Draw(image).text((2 - left, 2 - top), text, font=font, fill=255)
    return image


@lru_cache(maxsize=256)
def sign(text: str, ground: tuple, ink: tuple, width: int, height: int) -> Image.Image:
    """A shop's signboard; without a Korean face, bars stand for the letters."""
    board = Image.new("RGBA", (width, height), (*ground, 255))
    draw = ImageDraw.Draw(board)
    if text.isascii() or korean_face():
        size = round(height * 0.62)
        font = face(size, korean=not text.isascii())
        while font.getlength(text) > width * 0.92 and size > 8:
            size -= 2
            font = face(size, korean=not text.isascii())
        draw.text((width / 2, height / 2), text, font=font, fill=ink, anchor="mm")
    else:
        step = width / (len(text) + 1)
        for i in range(len(text)):
            x = step * (i + 0.65)
            draw.rounded_rectangle((x, height * 0.25, x + step * 0.7, height * 0.75), 3, fill=ink)
    return board
