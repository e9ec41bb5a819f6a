/* One camera's recording in a video element, on the true time line: a gap in the recording is a gap in the
   element's time, so that several cameras run by one clock. */

import { pictureTimes, timescaleOf } from "soc/mp4";
import { Renewed } from "soc/recording";

const Source = self.ManagedMediaSource ?? self.MediaSource;
const DAY_MS = 86_400_000;
const REACH_MS = 40 * DAY_MS; // how far before the first moment shown the element's time begins
const AHEAD_MS = 9_000;
const AHEAD_PER_SPEED_MS = 5_000;
const BEHIND_MS = 12_000;
const KEEP_MS = 45_000;
const LONGEST_RUN = 6; // pieces asked for at once, when nobody waits for the first of them
const AGAIN_MS = 2_000;

export const plays = (codec) => Boolean(Source?.isTypeSupported(mime(codec)));
const mime = (codec) => `video/mp4; codecs="${codec}"`;

export class Reel {
  #video;
  #recording;
  #origin;
  #source;
  #buffer;
  #opened;
  #codec = "";
  #type = "";
  #setup = "";
  #scale = 90_000;
  #held = new Map(); // key -> {piece, pictures}
  #work = null;
  #restUntil = 0;

  constructor(video, recording, at) {
    this.#video = video;
    this.#recording = recording;
    this.#origin = at - REACH_MS;
    this.#source = new Source();
    this.#opened = new Promise((opened) => this.#source.addEventListener("sourceopen", opened, { once: true }));
    video.disableRemotePlayback = true; // ManagedMediaSource asks for it
    video.src = URL.createObjectURL(this.#source);
    this.#opened.then(() => URL.revokeObjectURL(video.src));
  }

  stop() {
    this.#work?.abort();
    this.#video.removeAttribute("src");
    this.#video.load();
    this.#source = null;
  }

  /** Seconds of the element's time at `at`. */
  seconds(at) {
    return (at - this.#origin) / 1000;
  }

  /** The moment (ms) that the element shows. */
  get shown() {
    return this.#origin + this.#video.currentTime * 1000;
  }

  holds(at) {
    const [seconds, ranges] = [this.seconds(at), this.#buffer?.buffered];
    for (let i = 0; i < (ranges?.length ?? 0); i += 1) if (ranges.start(i) <= seconds + 0.02 && seconds < ranges.end(i)) return true;
    return false;
  }

  /** The moment of the picture `by` (1 or -1) from the one at `at`; null when it is not here. */
  pictureFrom(at, by) {
    const pictures = [...this.#held.values()].flatMap((held) => held.pictures).sort((a, b) => a - b);
    const now = pictures.findLastIndex((time) => time <= at + 1);
    return pictures[now + by] ?? null;
  }

  /** Load what is shown around `at` at this speed. Called often; does one thing at a time. */
  feed(at, rate) {
    const until = at + AHEAD_MS + AHEAD_PER_SPEED_MS * rate;
    if (this.#work) {
      const needless = this.#work.run.at(-1).to < at - BEHIND_MS || this.#work.run[0].from > until + KEEP_MS;
      if (needless) this.#work.abort();
      return;
    }
    if (performance.now() < this.#restUntil || this.#recording.trouble) return;
    const run = this.#missing(at, until);
    if (run) this.#load(run, at);
  }

  #missing(at, until) {
    const pieces = this.#recording.pieces(at, until);
    const first = pieces?.findIndex((piece) => !(this.#held.get(piece.key)?.piece.size >= piece.size));
    if (!pieces || first < 0) return null;
    const longest = this.holds(at) && plays(this.#codecOf(pieces[first])) ? LONGEST_RUN : 1;
    const run = [pieces[first]];
    for (const next of pieces.slice(first + 1, first + longest)) {
      const last = run.at(-1);
      if (next.url !== last.url || next.start !== last.start + last.size) break;
      run.push(next);
    }
    return run;
  }

  async #load(run, at) {
    const cancel = new AbortController();
    this.#work = { run, abort: () => cancel.abort() };
    const codec = this.#codecOf(run[0]);
    const anew = !plays(codec);
    try {
      const [setup, { bytes, type }] = await Promise.all([
        anew ? null : this.#recording.setup(run[0].setup),
        this.#recording.bytes(run, { anew, signal: cancel.signal }),
        this.#opened,
      ]);
      if (!this.#source) return;
      await this.#makeRoom(at);
      this.#prepare(anew ? type : mime(codec));
      await this.#setUp(anew ? "" : run[0].setup.url, setup ?? bytes);
      await this.#append(run, bytes);
      this.#recording.trouble = null;
    } catch (error) {
      if (error.name === "AbortError" || error instanceof Renewed || !this.#source) return;
      this.#restUntil = performance.now() + AGAIN_MS;
      if (error.name === "QuotaExceededError") await this.#makeRoom(at, KEEP_MS / 3);
      else this.#recording.fail(error);
    } finally {
      this.#work = null;
    }
  }

  #codecOf(piece) {
    const span = this.#recording.spanAt(piece.from) ?? this.#recording.spanAt(piece.to - 1);
    return (this.#codec = span?.codec ?? this.#codec);
  }

  #prepare(type) {
    if (!this.#buffer) {
      this.#source.duration = this.seconds(Date.now() + DAY_MS);
      this.#buffer = this.#source.addSourceBuffer(type);
    } else if (type !== this.#type) {
      this.#buffer.changeType(type);
      this.#setup = "";
    }
    this.#type = type;
  }

  /** `setup` begins with the set-up named `url`; what has none brings its own along. */
  async #setUp(url, setup) {
    if (url && this.#setup === url) return;
    this.#scale = timescaleOf(setup);
    if (url) await this.#put(setup);
    this.#setup = url;
  }

  async #append(run, bytes) {
    const ticks = pictureTimes(bytes);
    const offset = this.seconds(run[0].from) - ticks[0] / this.#scale;
    this.#buffer.timestampOffset = offset;
    await this.#put(bytes);
    const pictures = ticks.map((tick) => this.#origin + (tick / this.#scale + offset) * 1000);
    for (const piece of run) {
      this.#held.set(piece.key, { piece, pictures: pictures.filter((time) => time >= piece.from - 1 && time < piece.to - 1) });
    }
  }

  async #makeRoom(at, keep = KEEP_MS) {
    if (!this.#buffer) return;
    for (const [from, to] of [[0, at - keep], [at + keep * 2, Infinity]]) await this.#remove(from, to);
  }

  async #remove(from, to) {
    const gone = [...this.#held].filter(([, { piece }]) => piece.to <= to && piece.from >= from);
    if (!gone.length) return;
    gone.forEach(([key]) => this.#held.delete(key));
    const [start, end] = [Math.min(...gone.map(([, h]) => h.piece.from)), Math.max(...gone.map(([, h]) => h.piece.to))];
    this.#buffer.remove(Math.max(0, this.seconds(start)), this.seconds(end));
    await this.#settled();
  }

  async #put(bytes) {
    this.#buffer.appendBuffer(bytes);
    await this.#settled();
  }

  #settled() {
    return new Promise((settled, failed) => {
      const buffer = this.#buffer;
      const done = (event) => {
        buffer.removeEventListener("updateend", done);
        buffer.removeEventListener("error", done);
        if (event.type === "error") failed(new DOMException("", "DataError"));
        else settled();
      };
      buffer.addEventListener("updateend", done);
      buffer.addEventListener("error", done);
    });
  }
}
