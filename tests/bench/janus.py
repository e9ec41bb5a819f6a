"""Cameras by WebRTC through Debian's Janus, where it is installed: what our own live view is measured beside."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daejeon_soc.up import ports

MODULES = {"plugins": "libjanus_streaming.so", "transports": "libjanus_websockets.so"}
# Chromium takes no high profile by name, though it decodes it: it is told of a lower one. Janus keeps the newest
# keyframe for newcomers, who would otherwise wait for the next.
MOUNTPOINT = """cam{0}: {{
    type = "rtsp"; id = {0}; url = "{1}"; video = true; videobufferkf = true
    videofmtp = "packetization-mode=1;profile-level-id=42e01f"
}}
"""
# After `plainWall` (bench_live.py). No buffer against jitter, as little as a page may ask for.
PLAY = """(port) => {
    self.janusWall = (mountpoints) => plainWall(mountpoints, (video, id) => {
        const peer = new RTCPeerConnection();
        const socket = new WebSocket(`ws://127.0.0.1:${port}`, "janus-protocol");
        const ours = {};
        const say = (words) => socket.send(JSON.stringify({ ...words, ...ours, transaction: "one" }));
        peer.onicecandidate = ({ candidate }) => say({ janus: "trickle", candidate: candidate ?? { completed: true } });
        peer.ontrack = ({ track, receiver }) => {
            receiver.jitterBufferTarget = 0;
            video.srcObject = new MediaStream([track]);
            video.play();
        };
        socket.onopen = () => say({ janus: "create" });
        socket.onmessage = async ({ data }) => {
            const { janus, data: made, jsep } = JSON.parse(data);
            if (jsep) {
                await peer.setRemoteDescription(jsep);
                await peer.setLocalDescription();
                say({ janus: "message", body: { request: "start" }, jsep: peer.localDescription });
            } else if (janus === "success" && !ours.session_id) {
                ours.session_id = made.id;
                say({ janus: "attach", plugin: "janus.plugin.streaming" });
            } else if (janus === "success") {
                ours.handle_id = made.id;
                say({ janus: "message", body: { request: "watch", id } });
            }
        };
        return () => { socket.close(); peer.close(); };
    });
}"""


@contextmanager
def janus_of(cameras: dict[int, str]) -> Iterator[int | None]:
    """A Janus with a mountpoint for each camera (id and RTSP address); its port, which answers after a second."""
    if not shutil.which("janus"):
        print("janus is not installed: WebRTC is left out")
        yield None
        return
    port = ports.choose(besides=set())
    with tempfile.TemporaryDirectory() as folder:
        configure(Path(folder), port, cameras)
        process = subprocess.Popen(["janus", "-F", folder], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        try:
            yield port
        finally:
            process.terminate()
            process.wait()


def configure(folder: Path, port: int, cameras: dict[int, str]) -> None:
    for kind, module in MODULES.items():
        (folder / kind).mkdir()
        (folder / kind / module).symlink_to(next(Path("/usr/lib").glob(f"*/janus/{kind}/{module}")))
    general = "; ".join(f'{kind}_folder = "{folder / kind}"' for kind in MODULES)
    (folder / "janus.jcfg").write_text(f"general: {{ {general} }}")
    (folder / "janus.transport.websockets.jcfg").write_text(
        f'general: {{ ws = true; ws_ip = "127.0.0.1"; ws_port = {port} }}'
    )
    mountpoints = [MOUNTPOINT.format(*camera) for camera in cameras.items()]
    (folder / "janus.plugin.streaming.jcfg").write_text("".join(mountpoints))
