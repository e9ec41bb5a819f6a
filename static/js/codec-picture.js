/* Live pictures through WebCodecs: decoded as they come and given to the video as a track of its own. No player stands
   in between that waits, so this is the quickest way; Chromium offers it to pages that came over HTTPS, or from this
   machine. */

import { codecOf, configurationOf } from "soc/fragment";

const LONGEST_QUEUE = 60; // pictures that the decoder has not got to
const SETTLED_AFTER_MS = 5000; // until then the pictures since the last keyframe may still be queued
const FORGIVEN_MS = 30_000;
const FORGIVEN = 3;

const configurationFor = (mime, init) => ({
  codec: codecOf(mime),
  description: configurationOf(init),
  optimizeForLatency: true,
});

export class CodecPicture {
  static path = "webcodecs";
  #video;
  #hear;
  #configuration;
  #decoder;
  #openedAt;
  #waitsForKey = true;
  #broken = [];
  #track;
  #writer;
  #taken = false; // the video takes pictures; what a track is given before is lost
  #next = null;
  #reached = 0;

  static async plays(mime, init) {
    if (document.documentElement.dataset.live === "mse") return false; // the centre's setting LIVE_BY
    if (!self.VideoDecoder || !self.MediaStreamTrackGenerator || !configurationOf(init)) return false;
    try {
      return (await VideoDecoder.isConfigSupported(configurationFor(mime, init))).supported;
    } catch (error) {
      if (error instanceof TypeError) return false; // not even a name of a codec
      throw error;
    }
  }

  /** `hear(what)`: "failed" when this way does not work after all, "skipped" with seconds. */
  constructor(video, hear) {
    this.#video = video;
    this.#hear = hear;
  }

  setUp(mime, init) {
    this.#clear();
    this.#configuration = configurationFor(mime, init);
    this.#track = new MediaStreamTrackGenerator({ kind: "video" });
    this.#writer = this.#track.writable.getWriter();
    this.#video.addEventListener("loadstart", this.#begin, { once: true });
    this.#video.srcObject = new MediaStream([this.#track]);
    this.#open();
  }

  #begin = () => {
    this.#taken = true;
    this.#pass();
  };

  #open() {
    this.#close();
    const decoder = new VideoDecoder({
      output: (frame) => this.#show(frame),
      error: () => decoder === this.#decoder && this.#mend(),
    });
    decoder.configure(this.#configuration);
    this.#decoder = decoder;
    this.#openedAt = performance.now();
    this.#waitsForKey = true;
  }

  #close() {
    if (this.#decoder && this.#decoder.state !== "closed") this.#decoder.close();
    this.#decoder = null;
  }

  /** A damaged picture ends a decoder. The next keyframe may be whole; when damage is the rule, give up. */
  #mend() {
    const now = performance.now();
    this.#broken = [...this.#broken.filter((at) => now - at < FORGIVEN_MS), now];
    if (this.#broken.length > FORGIVEN) this.#hear("failed");
    else this.#open();
  }

  take({ at, key, data }) {
    if (this.#decoder.decodeQueueSize > LONGEST_QUEUE && performance.now() - this.#openedAt > SETTLED_AFTER_MS) {
      this.#hear("skipped", at - this.#reached);
      this.#open();
    }
    if (this.#waitsForKey && !key) return;
    this.#waitsForKey = false;
    this.#decoder.decode(new EncodedVideoChunk({ type: key ? "key" : "delta", timestamp: Math.round(at * 1e6), data }));
  }

  #show(frame) {
    this.#next?.close();
    this.#next = frame;
    this.#reached = frame.timestamp / 1e6;
    if (this.#taken) this.#pass();
  }

  #pass() {
    const frame = this.#next;
    this.#next = null;
    if (frame) this.#writer.write(frame).catch(() => frame.close()); // the track has ended
  }

  #clear() {
    this.#close();
    this.#next?.close();
    this.#next = null;
    this.#taken = false;
    this.#track?.stop();
    this.#video.removeEventListener("loadstart", this.#begin);
    this.#video.srcObject = null;
  }

  keepUp() {}

  stop() {
    this.#clear();
  }
}
