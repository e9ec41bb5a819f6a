"""Judges what a camera shows, one glimpse after another: is it a picture of its street, and how much moves there?

Times are Unix seconds of the recording. How the limits were found: docs/adr/0011.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from apps.video.alarms import Kind
from apps.video.seeing import COLUMNS, ROWS, Glimpse, likeness

# (seconds until it is believed, seconds until it is believed to be over)
PATIENCE = {Kind.FROZEN: (30, 4), Kind.BLACK: (10, 6), Kind.COVERED: (15, 10), Kind.MOVED: (40, 20)}
DARK, NOT_DARK, EVEN, NOT_EVEN = 26, 32, 6, 10
# Of the detail that is usual for the camera; and, while that is not known, of the lines' pieces.
LITTLE, ENOUGH, HARDLY_ANY = 0.3, 0.5, 0.04
ALIKE, UNLIKE = 0.5, 0.35
# What a coder makes of one picture twice differs by less than STEADY in every block, and hardly at all if it has the
# bytes to spend. Nothing else is as steady where there is a clock in the picture: LIVELY of the glimpses show it.
STEADY, SAME_PICTURE = 10.0, 0.5
LIVELY, LIVELY_AFTER, STEADY_COUNTED = 0.95, 20, 5
# A usual view is known after so many glimpses, and adapts to what changes within some minutes.
KNOWN_AFTER, ADAPT = 8, 0.02
# The same street has other edges by lamplight: a view is known for each step of light on its own.
LIGHT_STEP = 28
EDGE_SCALE = 24.0


class Belief:
    """Something is so once it was so for a while, and is over once it was not so for a while."""

    def __init__(self, begin: float, end: float, *, is_so: bool = False):
        self._patience = {False: begin, True: end}
        self.is_so = is_so
        self._doubted_at: float | None = None

    def hear(self, seems: bool | None, at: float) -> bool:
        """`seems` as of `at`; None when that cannot be told, and then nothing changes."""
        if seems is None:
            return self.is_so
        if seems == self.is_so:
            self._doubted_at = None
        elif self._doubted_at is None or at < self._doubted_at:
            self._doubted_at = at
        elif at - self._doubted_at >= self._patience[self.is_so]:
            self.is_so, self._doubted_at = seems, None
        return self.is_so


@dataclass
class Usual:
    """What a camera shows day after day: its edges by the light there is, and how much detail."""

    looks: dict[int, np.ndarray] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)
    detail: float = 0.0
    glimpses: int = 0

    def likeness(self, seen: Glimpse) -> float | None:
        """How far `seen` agrees with what is usual in such light; None when that is not known yet."""
        step = _step(seen)
        known = [self.looks[near] for near in (step - 1, step, step + 1) if self.seen.get(near, 0) >= KNOWN_AFTER]
        return max(likeness(look, seen.edges) for look in known) if known else None

    def learn(self, seen: Glimpse) -> None:
        step = _step(seen)
        count = self.seen[step] = self.seen.get(step, 0) + 1
        self.looks[step] = _towards(self.looks.get(step, seen.edges), seen.edges, count)
        self.glimpses += 1
        self.detail = _towards(self.detail, seen.detail, self.glimpses)

    @property
    def is_known(self) -> bool:
        return self.glimpses >= KNOWN_AFTER

    def packed(self) -> bytes:
        """The looks that are known, each as its step of light and a signed byte an edge."""
        known = (step for step in sorted(self.looks) if self.seen[step] >= KNOWN_AFTER)
        return b"".join(bytes([step]) + _bytes_of(self.looks[step]) for step in known)

    @classmethod
    def unpacked(cls, data: bytes, detail: float) -> "Usual":
        """ValueError when `data` is of another making."""
        size = 2 * ROWS * COLUMNS
        if len(data) % (size + 1):
            raise ValueError("not a usual view")
        looks = {
            data[at]: np.frombuffer(data, np.int8, size, at + 1).reshape(2, ROWS, COLUMNS).astype(np.float32)
            / EDGE_SCALE
            for at in range(0, len(data), size + 1)
        }
        return cls(looks, dict.fromkeys(looks, KNOWN_AFTER), detail, KNOWN_AFTER * bool(looks))


def _step(seen: Glimpse) -> int:
    return int(seen.light) // LIGHT_STEP


def _towards(usual, now, count: int):
    return usual + (now - usual) * max(ADAPT, 1 / count)


def _bytes_of(look: np.ndarray) -> bytes:
    return np.clip(np.round(look * EDGE_SCALE), -127, 127).astype(np.int8).tobytes()


class Liveliness:
    """Does something change in every picture of this camera, if only its clock?"""

    def __init__(self):
        self._share, self._count, self._standing = 0.0, 0, 0

    def moved(self) -> None:
        # A camera that was frozen for an hour is no less lively when it is not.
        for stood in [True] * min(self._standing, STEADY_COUNTED) + [False]:
            self._count += 1
            self._share = _towards(self._share, 0.0 if stood else 1.0, self._count)
        self._standing = 0

    def stood(self) -> None:
        self._standing += 1

    @property
    def is_sure(self) -> bool:
        return self._count >= LIVELY_AFTER and self._share > LIVELY


class Judge:
    """What is wrong with one camera's picture."""

    def __init__(self, usual: Usual | None = None, *, is_fixed: bool = True, wrong: set[str] = frozenset()):
        """`wrong`: alarms that are on already. Only a camera that `is_fixed` has a view to be moved away from."""
        self.usual = usual or Usual()
        self._is_fixed = is_fixed
        self._beliefs = {kind: Belief(*PATIENCE[kind], is_so=kind in wrong) for kind in PATIENCE}
        self._liveliness = Liveliness()
        self._last: Glimpse | None = None

    def look(self, seen: Glimpse, at: float) -> set[str]:
        """Take in a glimpse: what is wrong by now."""
        black, covered = self._seems_black(seen), self._seems_covered(seen)
        frozen = self._is_the_same(seen)
        shows_street = not (black or covered or frozen)
        moved = self._seems_moved(seen) if shows_street else None
        for kind, seems in (
            (Kind.BLACK, black),
            (Kind.COVERED, None if black else covered),
            (Kind.FROZEN, frozen),
            (Kind.MOVED, moved),
        ):
            self._beliefs[kind].hear(seems, at)
        if shows_street and not self.wrong and moved in (False, None) and self._may_learn(seen):
            self.usual.learn(seen)
        self._last = seen
        return self.wrong

    @property
    def wrong(self) -> set[str]:
        return {kind for kind, belief in self._beliefs.items() if belief.is_so}

    def forget_view(self) -> None:
        """What it shows now is what it shall show."""
        self.usual = Usual()
        self._beliefs[Kind.MOVED] = Belief(*PATIENCE[Kind.MOVED])

    def _seems_black(self, seen: Glimpse) -> bool | None:
        if seen.light <= DARK and seen.spread <= EVEN:
            return True
        return False if seen.light > NOT_DARK or seen.spread > NOT_EVEN else None

    def _seems_covered(self, seen: Glimpse) -> bool | None:
        if not self.usual.is_known:
            return seen.detail < HARDLY_ANY
        if seen.detail < LITTLE * self.usual.detail:
            return True
        return False if seen.detail > ENOUGH * self.usual.detail else None

    def _is_the_same(self, seen: Glimpse) -> bool:
        """As the picture before; where a still scene is to be expected, to the last bit."""
        if self._last is None or self._last.lines.shape != seen.lines.shape:
            return False
        if np.abs(seen.blocks - self._last.blocks).max() >= STEADY:
            self._liveliness.moved()
            return False
        self._liveliness.stood()
        change = np.abs(seen.lines.astype(np.int16) - self._last.lines)
        return self._liveliness.is_sure or bool(change.mean() < SAME_PICTURE)

    def _seems_moved(self, seen: Glimpse) -> bool | None:
        alike = self.usual.likeness(seen) if self._is_fixed else None
        if alike is None:
            return None
        return True if alike < UNLIKE else False if alike >= ALIKE else None

    def _may_learn(self, seen: Glimpse) -> bool:
        """What is usual by this light, or by a light that was never seen before."""
        alike = self.usual.likeness(seen)
        return alike is None or alike >= ALIKE


# Share of the picture that must change to count at all, and for the highest level.
LEAST_CHANGE = 0.0005
DIFFERENT = 20
CHANGE_OCTAVES, SIZE_OCTAVES = math.log1p(1 / LEAST_CHANGE), 4.0


class Movement:
    """How much moves, by the second: how many bytes the coder spent on it, and what changed between two glimpses.

    A coder held to a fixed rate spends the same on everything, so its bytes alone tell little; glimpses lie seconds
    apart. Each is taken against what is usual for the camera of late.
    """

    def __init__(self):
        self._usual_bytes: float | None = None
        self._usual_change: float | None = None
        self._sizes: dict[int, list[float]] = {}
        self._last: tuple[Glimpse, float] | None = None

    def heard(self, at: float, bytes_a_picture: float) -> None:
        """Pictures between two keyframes took so many bytes each."""
        self._sizes.setdefault(math.floor(at), []).append(bytes_a_picture)

    def saw(self, seen: Glimpse, at: float) -> Iterator[tuple[int, int]]:
        """(second, level 1 to 255) of every whole second between the glimpse before and this one."""
        last, self._last = self._last, (seen, at)
        if last is None or not last[1] < at <= last[1] + 60 or last[0].thin.shape != seen.thin.shape:
            self._sizes.clear()
            return
        change = _changed(last[0], seen)
        self._usual_change = _least(self._usual_change, change)
        moved = math.log1p(max(0.0, change - self._usual_change) / LEAST_CHANGE) / CHANGE_OCTAVES
        for second in range(math.floor(last[1]), math.floor(at)):
            yield second, 1 + round(254 * min(1.0, moved + self._spent(second)))

    def _spent(self, second: int) -> float:
        sizes = self._sizes.pop(second, None)
        if not sizes:
            return 0.0
        size = max(1.0, sum(sizes) / len(sizes))
        self._usual_bytes = _least(self._usual_bytes, size)
        return max(0.0, math.log2(size / self._usual_bytes)) / SIZE_OCTAVES


def _changed(one: Glimpse, other: Glimpse) -> float:
    """Share of the picture that is different, whatever became lighter as a whole."""
    change = other.thin.astype(np.int16) - one.thin
    change -= np.int16(round(other.light - one.light))
    return float((np.abs(change) > DIFFERENT).mean())


def _least(usual: float | None, now: float) -> float:
    """Follows what falls quickly and what rises slowly: the quiet between movements."""
    if usual is None:
        return now
    return usual + (now - usual) * (0.3 if now < usual else 0.005)
