/* Live pictures through Media Source Extensions: every browser's own player, kept close to the newest picture. */

const Source = self.ManagedMediaSource ?? self.MediaSource;
const SEEK_WHEN_BEHIND_S = 1;
const NUDGE_WHEN_BEHIND_S = 0.3;
const NUDGE_RATE = 1.2;
const REST_AT_S = 0.2;
const KEEP_S = 15;
const LONGEST_QUEUE = 400; // a fragment a picture: about 15 s that the player failed to take

export class MediaPicture {
  static path = "mse";
  #video;
  #hear;
  #source;
  #buffer;
  #queue = [];
  #placed = false;

  static plays(mime) {
    return Boolean(Source?.isTypeSupported(mime));
  }

  /** `hear(what)`: "failed" when the player gives up. */
  constructor(video, hear) {
    this.#video = video;
    this.#hear = hear;
  }

  setUp(mime, init) {
    this.#clear();
    const source = new Source();
    source.addEventListener("sourceopen", () => source === this.#source && this.#open(mime), { once: true });
    this.#source = source;
    this.#queue = [init];
    this.#video.disableRemotePlayback = true; // ManagedMediaSource asks for it
    this.#video.src = URL.createObjectURL(source);
  }

  #open(mime) {
    URL.revokeObjectURL(this.#video.src);
    this.#buffer = this.#source.addSourceBuffer(mime);
    this.#buffer.addEventListener("updateend", () => {
      this.keepUp();
      this.#feed();
    });
    this.#feed();
  }

  #clear() {
    this.#queue = [];
    this.#source = this.#buffer = null;
    this.#placed = false;
    if (!this.#video.src) return;
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  take({ bytes }) {
    this.#queue.push(bytes);
    if (this.#queue.length > LONGEST_QUEUE) this.#hear("failed");
    else this.#feed();
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
      if (error.name !== "QuotaExceededError") return this.#hear("failed");
      buffer.remove(0, Math.max(0.1, this.#video.currentTime - 1));
    }
  }

  /** Stay close to the newest picture: a little faster when somewhat behind, a leap when far. */
  keepUp() {
    if (this.#video.error) return this.#hear("failed");
    const ranges = this.#source?.readyState === "open" ? this.#buffer?.buffered : null;
    if (!ranges?.length) return;
    const video = this.#video;
    const [start, end] = [ranges.start(ranges.length - 1), ranges.end(ranges.length - 1)];
    const behind = end - video.currentTime;
    if (!this.#placed || behind > SEEK_WHEN_BEHIND_S || video.currentTime < start) {
      video.currentTime = Math.max(start, end - REST_AT_S);
      video.playbackRate = 1;
    } else if (behind > NUDGE_WHEN_BEHIND_S) {
      video.playbackRate = NUDGE_RATE;
    } else if (behind < REST_AT_S) {
      video.playbackRate = 1;
    }
    this.#placed = true;
  }

  stop() {
    this.#clear();
  }
}
