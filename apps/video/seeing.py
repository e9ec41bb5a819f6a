"""What one decoded picture tells about the camera that took it: light, detail, and the edges of the view."""

from dataclasses import dataclass

import av
import numpy as np

# The picture in blocks: few enough to keep for every camera, enough to know a street by its edges.
COLUMNS, ROWS = 48, 27
# Samples across a block. Between them the picture is skipped, so that a large one costs what a small one does.
FINENESS = 6
# Rows on which detail is looked for at full sharpness.
LINES = 24


@dataclass(frozen=True)
class Glimpse:
    """Light 0..255 as coded; `blocks` (ROWS, COLUMNS), `edges` across and down (2, ROWS, COLUMNS)."""

    blocks: np.ndarray
    # Every so manieth sample of the picture, for telling how much changed.
    thin: np.ndarray
    # Lines of the picture as they came, for telling two pictures apart to the last bit.
    lines: np.ndarray
    # Median and spread of the blocks: what is burnt into the picture covers too few of them to matter.
    light: float
    spread: float
    # Share of the lines' pieces in which anything can be told from its neighbour.
    detail: float
    edges: np.ndarray


def glimpse(frame: av.VideoFrame) -> Glimpse:
    luma = luma_of(frame)
    thin = _thin(luma)
    blocks = _blocks(thin)
    lines = np.ascontiguousarray(luma[frame.height // (2 * LINES) :: max(1, frame.height // LINES)][:LINES])
    low, middle, high = np.percentile(blocks, (15, 50, 85))
    return Glimpse(blocks, thin, lines, float(middle), float(high - low), _detail(lines), _edges(blocks))


def luma_of(frame: av.VideoFrame) -> np.ndarray:
    plane = frame.planes[0]
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]


def _thin(luma: np.ndarray) -> np.ndarray:
    down, across = max(1, luma.shape[0] // (ROWS * FINENESS)), max(1, luma.shape[1] // (COLUMNS * FINENESS))
    return np.ascontiguousarray(luma[::down, ::across])


def _blocks(thin: np.ndarray) -> np.ndarray:
    high, wide = thin.shape[0] // ROWS, thin.shape[1] // COLUMNS
    pieces = thin[: ROWS * high, : COLUMNS * wide].reshape(ROWS, high, COLUMNS, wide)
    return pieces.mean(axis=(1, 3), dtype=np.float32)


def _detail(lines: np.ndarray) -> float:
    steps = np.abs(np.diff(lines.astype(np.int16), axis=1))
    wide = steps.shape[1] // COLUMNS
    strongest = steps[:, : wide * COLUMNS].reshape(len(lines), COLUMNS, wide).max(axis=2)
    return float((strongest > 6).mean())


def _edges(blocks: np.ndarray) -> np.ndarray:
    """Where the view changes from block to block, against what is usual there: light as such falls out."""
    light = np.log(blocks + 12)
    across, down = np.zeros_like(light), np.zeros_like(light)
    across[:, 1:-1] = light[:, 2:] - light[:, :-2]
    down[1:-1] = light[2:] - light[:-2]
    both = np.stack((across, down))
    return both / (np.sqrt((both**2).mean()) + 0.01)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """-1 to 1: how far the edges of two views agree."""
    norm = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / norm if norm else 0.0
