/* Live pictures through WebCodecs: decoded as they come, drawn on a canvas. No player stands in between that waits,
   so this is the quickest way; browsers offer it only to pages that came over HTTPS, or from this machine. */

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
  #canvas = document.createElement("canvas");
  #context = this.#canvas.getContext("2d", { alpha: false });
  #video;
  #hear;
  #configuration;
  #decoder;
  #openedAt;
  #waitsForKey = true;
  #broken = [];
  #next = null;
  #drawing = 0;
  #shown = null;

  static async plays(mime, init) {
    if (document.documentElement.dataset.live === "mse") return false; // the centre's setting LIVE_BY
    if (!self.VideoDecoder || !configurationOf(init)) return false;
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
    video.hidden = true;
    video.after(this.#canvas);
  }

  get element() {
    return this.#canvas;
  }

  /** Seconds of media time of the picture that is seen; null before the first. */
  get shown() {
    return this.#shown;
  }

  setUp(mime, init) {
    this.#configuration = configurationFor(mime, init);
    this.#dropNext();
    this.#shown = null;
    this.#open();
  }

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
      this.#hear("skipped", at - this.#shown);
      this.#open();
    }
    if (this.#waitsForKey && !key) return;
    this.#waitsForKey = false;
    this.#decoder.decode(new EncodedVideoChunk({ type: key ? "key" : "delta", timestamp: Math.round(at * 1e6), data }));
  }

  #show(frame) {
    this.#next?.close();
    this.#next = frame;
    this.#drawing ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const frame = this.#next;
    const [width, height] = [frame.displayWidth, frame.displayHeight];
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    this.#context.drawImage(frame, 0, 0, width, height);
    this.#shown = frame.timestamp / 1e6;
    this.#drawing = 0;
    this.#next = null;
    frame.close();
  }

  #dropNext() {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = 0;
    this.#next?.close();
    this.#next = null;
  }

  keepUp() {}

  stop() {
    this.#dropNext();
    this.#close();
    this.#canvas.remove();
    this.#video.hidden = false;
  }
}
