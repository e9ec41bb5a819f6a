"""What a person at the terminal sees: one line for each step, and one sentence when it cannot go on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class NotUp(Exception):
    """The city cannot come up; the message says what to do about it."""


@contextmanager
def step(title: str) -> Iterator[None]:
    began = time.monotonic()
    print(f"  {title:<42}", end="", flush=True)
    yield
    print(f"{time.monotonic() - began:5.1f} s", flush=True)
