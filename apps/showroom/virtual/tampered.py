"""A street whose camera is interfered with: fine for some seconds, then not for as long, and so on."""

import numpy as np
from PIL import Image, ImageFilter

from .scene import Scene, View

BLACK, CLOTH, NEUTRAL = 17, 84, 128
ELSEWHERE = View(pan=25.0, tilt=-4.0)


class Tampered:
    """Draws `scene` unless it is the turn of `how`: frozen, black, covered, blurred or moved.

    What the camera itself writes into the picture, the time above all, goes on; only a frozen one repeats all.
    """

    def __init__(self, scene: Scene, how: str, seconds: float):
        self.scene, self.how, self.seconds = scene, how, seconds
        self.size, self.seed = scene.size, scene.seed
        self.began: float | None = None
        self.frozen: np.ndarray | None = None

    def frame(self, at: float) -> np.ndarray:
        self.began = self.began or at
        is_tampered = (at - self.began) // self.seconds % 2 == 1
        if self.how == "moved":
            self.scene.look(ELSEWHERE if is_tampered else View())
        if not is_tampered:
            self.frozen = None
            return self.scene.frame(at)
        if self.how == "frozen":
            self.frozen = self.scene.frame(at) if self.frozen is None else self.frozen
            return self.frozen
        if self.how == "blurred":
            return self.scene.frame(at, over=blur)
        if self.how in FLAT:
            return self.scene.frame(at, over=FLAT[self.how])
        return self.scene.frame(at)


def blur(luma: np.ndarray, chroma: np.ndarray) -> None:
    soft = Image.fromarray(luma).filter(ImageFilter.GaussianBlur(luma.shape[0] / 30))
    luma[:] = np.asarray(soft)


def black(luma: np.ndarray, chroma: np.ndarray) -> None:
    luma[:], chroma[:] = BLACK, NEUTRAL


def cloth(luma: np.ndarray, chroma: np.ndarray) -> None:
    """Light falls through it from one side."""
    luma[:] = np.linspace(CLOTH - 12, CLOTH + 12, luma.shape[1]).astype(np.uint8)
    chroma[0], chroma[1] = 118, 142


FLAT = {"black": black, "covered": cloth}
WAYS = ("frozen", "black", "covered", "blurred", "moved")
