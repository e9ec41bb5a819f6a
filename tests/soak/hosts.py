"""Another host: a network namespace at the end of a wire that takes its time. Root alone may lay one."""

import asyncio
import fcntl
import os
import select
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import pytest

from daejeon_soc.up import city_env
from tests.running_city import BASE, environment

HERE, THERE = "10.213.113.1", "10.213.113.2"
NAME = f"soc-{os.getpid()}"
TUNSETIFF, TUN_WITHOUT_HEADER = 0x400454CA, 0x1001
DELAY_SECONDS = 0.02


def skip_without() -> None:
    missing = [
        what
        for what, is_there in {
            "root": os.geteuid() == 0,
            "ip (iproute2)": shutil.which("ip"),
            "/dev/net/tun": os.path.exists("/dev/net/tun"),
        }.items()
        if not is_there
    ]
    if missing:
        pytest.skip(f"a second host wants {', '.join(missing)}")


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@contextmanager
def wire() -> Iterator[None]:
    """Lay a wire from here to there; a packet takes DELAY_SECONDS each way, which not every kernel can do by itself."""
    with ExitStack() as stack:
        stack.callback(subprocess.run, ["ip", "netns", "delete", NAME], check=False)
        ip("netns", "add", NAME)
        ends = [stack.enter_context(_tunnel(f"socw{side}{os.getpid()}")) for side in "ab"]
        ip("link", "set", ends[1][1], "netns", NAME)
        for (_end, device), own, within in ((ends[0], HERE, []), (ends[1], THERE, ["-n", NAME])):
            ip(*within, "addr", "add", f"{own}/24", "dev", device)
            ip(*within, "link", "set", device, "up")
        ip("-n", NAME, "link", "set", "lo", "up")
        over = threading.Event()
        for source, target in ((ends[0][0], ends[1][0]), (ends[1][0], ends[0][0])):
            queue: SimpleQueue = SimpleQueue()
            for way in (_take, _give):
                thread = threading.Thread(target=way, args=(source if way is _take else target, queue, over))
                thread.start()
                stack.callback(thread.join)
        stack.callback(over.set)
        yield


@contextmanager
def _tunnel(name: str) -> Iterator[tuple[int, str]]:
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH14x", name[:15].encode(), TUN_WITHOUT_HEADER))
        yield end, name[:15]
    finally:
        os.close(end)


def _take(end: int, queue: SimpleQueue, over: threading.Event) -> None:
    while not over.is_set():
        if select.select([end], [], [], 0.2)[0]:
            with suppress(BlockingIOError):
                queue.put((time.monotonic() + DELAY_SECONDS, os.read(end, 65536)))
    queue.put((0, b""))


def _give(end: int, queue: SimpleQueue, _over: threading.Event) -> None:
    while (found := queue.get())[1]:
        due, packet = found
        time.sleep(max(0.0, due - time.monotonic()))
        with suppress(OSError):  # the other end is full, or down: as on any wire, it is lost
            os.write(end, packet)


@contextmanager
def reachable(port: int) -> Iterator[None]:
    """What listens on a port of this machine alone is found from there too."""
    program = [sys.executable, "-c", RELAY, HERE, str(port)]
    process = subprocess.Popen(program)
    try:
        yield
    finally:
        process.kill()
        process.wait()


RELAY = """
import asyncio, sys

async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()

async def pass_on(reader, writer):
    onward, back = await asyncio.open_connection("127.0.0.1", int(sys.argv[2]))
    await asyncio.gather(pump(reader, back), pump(onward, writer))

async def main():
    async with await asyncio.start_server(pass_on, sys.argv[1], int(sys.argv[2])) as server:
        await server.serve_forever()

asyncio.run(main())
"""


@asynccontextmanager
async def strangers(address: str, number: int, *words: bytes):
    """So many who connect at once, say one of `words` in turn, and then neither go nor say more."""
    program = [sys.executable, "-c", STRANGERS, address, str(number), *(word.hex() for word in words)]
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(*program, **pipes)
    try:
        assert await process.stdout.readline() == b"there\n"
        yield
    finally:
        process.kill()
        await process.wait()


STRANGERS = """
import socket, sys
from concurrent.futures import ThreadPoolExecutor

def come(turn):
    host, _, port = sys.argv[1].rpartition(":")
    door = socket.create_connection((host, int(port)), 5)
    door.sendall(bytes.fromhex(sys.argv[3 + turn % (len(sys.argv) - 3)]))
    return door

with ThreadPoolExecutor(100) as crowd:
    doors = list(crowd.map(come, range(int(sys.argv[2]))))
print("there", flush=True)
sys.stdin.read()
"""


@dataclass
class Recorder:
    process: subprocess.Popen
    log: Path

    @property
    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def connections(self) -> int:
        """Connections that readers have to it, or that strangers began."""
        rows = [line.split() for line in Path(f"/proc/{self.process.pid}/net/tcp").read_text().splitlines()[1:]]
        doors = {row[1] for row in rows if row[3] == "0A"}
        return sum(row[1] in doors and row[3] == "01" for row in rows)


@contextmanager
def recorder(city, folder: Path, **settings: str) -> Iterator[Recorder]:
    """A recorder of this city there, with its own disk; all it knows of the city is its settings."""
    folder.mkdir()
    values = city_env.read(city.var_dir / "city.env") | settings
    city_env.write(folder / "city.env", {name: value.replace("127.0.0.1", HERE) for name, value in values.items()})
    command = ["ip", "netns", "exec", NAME, sys.executable, "manage.py", "record"]
    log = folder / "recorder.log"
    with log.open("w") as out:
        given = environment(folder, RECORDER_HOST=THERE, **settings)
        process = subprocess.Popen(command, cwd=BASE, env=given, stdout=out, stderr=out)
    try:
        yield Recorder(process, log)
    finally:
        process.terminate()
        process.wait(20)
