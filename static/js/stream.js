/* One camera's live picture: fragments from a socket into Media Source Extensions. */

const Source = self.ManagedMediaSource ?? self.MediaSource;
const REFUSED = 4403;
const UNAVAILABLE = 4503;
const STALE_AFTER_S = 3;
const SEEK_WHEN_BEHIND_S = 1;
const NUDGE_WHEN_BEHIND_S = 0.4;
const REST_AT_S = 0.2;
const KEEP_S = 15;
const LONGEST_QUEUE = 400; // a fragment a frame: about 15 s that the decoder failed to take
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

export class Stream {
  #video;
  #address;
  #tell;
  #socket;
  #source;
  #buffer;
  #queue = [];
  #control;
  #retry;
  #pause = FIRST_PAUSE_MS;
  #lastFragment = 0;
  #pictured = false;

  /** `tell(state, detail)` hears connecting, live, stale, reconnecting, refused, unavailable, unsupported, blocked. */
  constructor(video, address, tell) {
    this.#video = video;
    this.#address = new URL(address, location.href);
    this.#address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.#tell = tell;
  }

  start() {
    this.#tell("connecting", {});
    this.#connect();
    this.#control = setInterval(() => this.#keepUp(), 250);
  }

  stop() {
    clearInterval(this.#control);
    clearTimeout(this.#retry);
    this.#hangUp();
    this.#clear();
  }

  #connect() {
    const socket = new WebSocket(this.#address);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.#describe(JSON.parse(data)) : this.#take(data));
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
    this.#socket = socket;
  }

  #hangUp() {
    if (!this.#socket) return;
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  #closed(code, reason) {
    if (code === REFUSED) {
      clearInterval(this.#control);
      this.#clear();
      this.#tell("refused", { reason });
      return;
    }
    const wait = this.#pause * (0.8 + Math.random() * 0.4);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    if (code === UNAVAILABLE) {
      this.#clear();
      this.#tell("unavailable", { reason });
    } else {
      this.#tell("reconnecting", { seconds: wait / 1000 });
    }
    this.#lastFragment = 0;
    this.#retry = setTimeout(() => this.#connect(), wait);
  }

  #describe({ mime }) {
    if (!mime) return;
    if (!Source?.isTypeSupported(mime)) {
      this.stop();
      this.#tell("unsupported", { codec: /codecs="?([^"]*)/.exec(mime)?.[1] ?? mime });
      return;
    }
    this.#clear();
    const source = new Source();
    source.addEventListener("sourceopen", () => {
      if (source !== this.#source) return;
      URL.revokeObjectURL(this.#video.src);
      this.#buffer = source.addSourceBuffer(mime);
      this.#buffer.addEventListener("updateend", () => this.#feed());
      this.#feed();
    });
    this.#source = source;
    this.#video.disableRemotePlayback = true; // ManagedMediaSource asks for it
    this.#video.src = URL.createObjectURL(source);
  }

  #clear() {
    this.#queue = [];
    this.#source = this.#buffer = null;
    this.#pictured = false;
    if (this.#video.src) {
      this.#video.removeAttribute("src");
      this.#video.load();
    }
  }

  #take(fragment) {
    this.#lastFragment = performance.now();
    this.#pause = FIRST_PAUSE_MS;
    this.#queue.push(fragment);
    if (this.#queue.length > LONGEST_QUEUE) this.#startAfresh();
    else this.#feed();
  }

  #startAfresh() {
    this.#hangUp();
    this.#clear();
    this.#connect();
  }

  #feed() {
    const buffer = this.#buffer;
    if (!buffer || buffer.updating || this.#source.readyState !== "open") return;
    const ranges = buffer.buffered;
    const now = this.#video.currentTime;
    if (ranges.length && now - ranges.start(0) > KEEP_S) {
      buffer.remove(ranges.start(0), now - KEEP_S / 2);
    } else if (this.#queue.length) {
      this.#append(buffer);
    }
  }

  #append(buffer) {
    try {
      buffer.appendBuffer(this.#queue[0]);
      this.#queue.shift();
    } catch (error) {
      if (error.name !== "QuotaExceededError") return this.#startAfresh();
      buffer.remove(0, Math.max(0.1, this.#video.currentTime - 1));
    }
  }

  #keepUp() {
    if (!this.#lastFragment) return;
    const age = (performance.now() - this.#lastFragment) / 1000;
    const ranges = this.#buffer?.buffered;
    if (ranges?.length) this.#approachTheEdge(ranges);
    if (this.#video.error) this.#startAfresh();
    else if (age > STALE_AFTER_S) this.#tell("stale", { seconds: age });
    else if (this.#pictured) this.#tell("live", { seconds: this.#behind(ranges) + age });
  }

  #behind(ranges) {
    return ranges?.length ? Math.max(0, ranges.end(ranges.length - 1) - this.#video.currentTime) : 0;
  }

  #approachTheEdge(ranges) {
    const video = this.#video;
    const [start, end] = [ranges.start(ranges.length - 1), ranges.end(ranges.length - 1)];
    const behind = end - video.currentTime;
    if (!this.#pictured || behind > SEEK_WHEN_BEHIND_S || video.currentTime < start) {
      video.currentTime = Math.max(start, end - REST_AT_S);
      video.playbackRate = 1;
    } else if (behind > NUDGE_WHEN_BEHIND_S) {
      video.playbackRate = 1.05;
    } else if (behind < REST_AT_S) {
      video.playbackRate = 1;
    }
    this.#pictured = true;
    if (video.paused) {
      video.play().catch((error) => error.name === "NotAllowedError" && this.#tell("blocked", {}));
    }
  }
}
