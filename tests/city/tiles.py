"""Camera tiles in a real browser, and what a machine reads from their pictures (apps/showroom/virtual/clock.py)."""

# A browser as if it had no WebCodecs, as over plain HTTP from another machine.
WITHOUT_WEBCODECS = "delete self.VideoDecoder"
# Counts the sockets that are open to cameras.
COUNT_SOCKETS = """
const Plain = WebSocket;
self.views = new Set();
self.WebSocket = class extends Plain {
    constructor(address, ...more) {
        super(address, ...more);
        if (!String(address).includes("/live")) return;
        self.views.add(this);
        this.addEventListener("close", () => self.views.delete(this));
    }
};
"""
# wall(cameras): tiles over the whole page, four in a row, each with the time at which it entered its states (ms);
# delayOf(tile): ms from glass to glass, null while unreadable.
HELP = """
self.wall = (cameras, columns = 4) => {
    document.getElementById("wall")?.remove();
    const wall = document.createElement("div");
    wall.id = "wall";
    wall.style.cssText = `position:fixed;inset:0;z-index:99;display:grid;overflow:auto;background:#000;
        grid:auto-flow 25vh / repeat(${columns}, 1fr)`;
    for (const camera of cameras) {
        const tile = document.createElement("camera-tile");
        tile.className = "tile is-hero";
        tile.style.cssText = "grid-area:auto";
        tile.dataset.camera = camera;
        tile.dataset.live = `/api/v1/cameras/${camera}/live?reason=test`;
        tile.innerHTML = `<div class="tile-picture"><video muted playsinline></video>
            <p class="tile-words" data-words></p></div>
            <p class="tile-line"><b>${camera}</b><span class="tile-state" data-state-words></span></p>`;
        tile.mounted = performance.now();
        tile.entered = {};
        tile.addEventListener("tile:state", ({ detail }) => { tile.entered[detail.state] = Date.now() });
        wall.append(tile);
    }
    document.body.append(wall);
    return wall;
};
self.tiles = () => [...document.querySelectorAll("#wall camera-tile")];
self.reader = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
self.clockOf = (video) => {
    const width = video.videoWidth;
    if (!width) return null;
    const size = width / 64;
    Object.assign(reader.canvas, { width, height: size });
    reader.drawImage(video, 0, video.videoHeight - size, width, size, 0, 0, width, size);
    const line = reader.getImageData(0, size / 2, width, 1).data;
    const light = (cell) => line[4 * Math.floor((cell + 0.5) * size) + 1];
    const limit = (light(0) + light(1) + light(2) + light(3)) / 4;
    const bits = Array.from({ length: 64 }, (_, cell) => (light(cell) > limit ? 1 : 0));
    if (bits.slice(0, 4).join("") !== "1010" || bits.slice(60).join("") !== "0101") return null;
    const bytes = Array.from({ length: 7 }, (_, n) => parseInt(bits.slice(4 + 8 * n, 12 + 8 * n).join(""), 2));
    let check = 0;
    for (const byte of bytes.slice(0, 6)) {
        check ^= byte;
        for (let n = 0; n < 8; n += 1) check = (check & 128 ? (check << 1) ^ 7 : check << 1) & 255;
    }
    return check === bytes[6] ? bytes.slice(0, 6).reduce((ms, byte) => ms * 256 + byte, 0) : null;
};
self.delayOf = (tile) => {
    const taken = clockOf(tile.video);
    return taken === null ? null : Date.now() - taken;
};
"""
STATES = "() => tiles().map(tile => tile.dataset.state)"


def prepare(context, *, webcodecs: bool = True) -> None:
    """Let every page of a browser context have `wall`, `tiles` and `delayOf`, with or without WebCodecs."""
    context.add_init_script(COUNT_SOCKETS)
    context.add_init_script(HELP)
    if not webcodecs:
        context.add_init_script(WITHOUT_WEBCODECS)
