"""Free ports on the loopback address."""

import random
import socket

# Below the ports that Linux hands to outgoing connections (32768 and up), so that none is taken by chance.
CHOICE = range(20_000, 32_000)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose(*, besides: set[int]) -> int:
    """A free port that is not among `besides`."""
    while True:
        port = random.choice(CHOICE)  # noqa: S311  (no secret)
        if port not in besides and is_free(port):
            return port
