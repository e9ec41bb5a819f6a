import { codecName, offerConverted } from "soc/convert";
import { cityNow } from "soc/now";
import { Reel, plays } from "soc/reel";
import { Recording } from "soc/recording";
import { say } from "soc/texts";
import { clockAt, dateAt, lengthInWords, shortStamp } from "soc/wall-time";

const DAY_MS = 86_400_000;
const SILENT_MS = 300; // waiting shorter than this needs no words
const IN_STEP_S = 0.03;
const LOST_S = 0.35;
const NUDGE = 0.08;
const SEAM_MS = 500; // a shorter hole is the jitter of arrival: the last picture stands
const EDGE_MS = 4_000; // what was seen less long ago is on its way to the disk

/** A camera's recorded picture, which follows the clock of the <playback-deck> around it. */
class RecordedTile extends HTMLElement {
  #reel;
  #waitingSince = 0;
  #spoken = null;

  /** A page that is merged in brings its elements first and their attributes after. */
  connectedCallback() {
    queueMicrotask(() => this.isConnected && !this.recording && this.#start());
  }

  #start() {
    const { camera, incident, reason, from, until } = this.dataset;
    const bounds = { from: from ? Date.parse(from) : undefined, until: until ? Date.parse(until) : undefined };
    this.recording = new Recording(camera, { named: { incident, reason }, ...bounds });
  }

  /** Moved within the page: the picture stays. */
  connectedMoveCallback() {}

  disconnectedCallback() {
    this.#reel?.stop();
    this.#reel = null;
    this.recording?.stop();
    this.recording = null;
  }

  get video() {
    return this.querySelector("video");
  }

  get isWaiting() {
    return this.dataset.state === "loading";
  }

  /** How long it has been loading, in ms. */
  get waited() {
    return this.isWaiting ? performance.now() - this.#waitingSince : 0;
  }

  /** The moment on screen. */
  get shown() {
    return this.#reel?.shown;
  }

  pictureFrom(at, by) {
    return this.#reel?.pictureFrom(at, by) ?? null;
  }

  /** Show `at`; `rate` 0 when the clock stands. */
  follow(at, rate) {
    const [state, words] = this.#look(at);
    if (state !== "playing") return this.#stand(state, words);
    this.#reel ??= new Reel(this.video, this.recording, at);
    this.#reel.feed(at, rate);
    if (!this.#reel.holds(at)) return this.#withoutPicture(at);
    this.#keepStep(at, rate);
    if (this.#shows(at, rate)) this.#show("playing", "");
    else this.#show("loading", say("past.loading"));
  }

  /** Is the picture on screen that of `at`? While a jump is under way the one before it still stands. */
  #shows(at, rate) {
    return !this.video.seeking && Math.abs(this.video.currentTime - this.#reel.seconds(at)) <= lostAfter(rate);
  }

  #look(at) {
    const { recording } = this;
    if (recording.trouble?.status === 404) return ["refused", refusedWords(recording.trouble)];
    if (at < recording.bounds.from || at > recording.bounds.until) return ["outside", say("past.outside")];
    if (at > cityNow() - EDGE_MS) return ["edge", say("past.edge")];
    if (!recording.knows(at)) return this.#waiting();
    const span = recording.spanAt(at);
    if (span && !plays(span.codec) && !recording.converted) return ["unsupported", say("past.unsupported", { codec: codecName(span.codec) })];
    const gap = recording.gapAt(at);
    if (!gap || gap.to - gap.from < SEAM_MS) return ["playing", ""];
    return gap.code === "deleted" ? ["deleted", this.#deletedWords(at)] : ["gap", gapWords(gap)];
  }

  #waiting() {
    const { trouble } = this.recording;
    if (!trouble) return ["loading", say("past.loading")];
    if (trouble.message && trouble.status === 503) return ["error", say("tile.unavailable", { reason: trouble.message })];
    return navigator.onLine ? ["error", say("past.error")] : ["offline", say("past.offline")];
  }

  #deletedWords(at) {
    const days = this.recording.coverage.kept_days;
    return say("past.deleted", { date: dateAt(at + days * DAY_MS), days });
  }

  #withoutPicture(at) {
    const next = this.recording.pieces(at, at + 1);
    if (next && !next.length && this.recording.coverage.to - at < 60_000) return this.#stand("edge", say("past.edge"));
    return this.#stand(...this.#waiting());
  }

  #stand(state, words) {
    if (!this.video.paused) this.video.pause();
    this.#show(state, words);
  }

  #keepStep(at, rate) {
    const { video } = this;
    const target = this.#reel.seconds(at);
    const ahead = video.currentTime - target;
    if (!rate) {
      if (!video.paused) video.pause();
      if (Math.abs(ahead) > 0.001 && !video.seeking) video.currentTime = target;
      return;
    }
    if (Math.abs(ahead) > lostAfter(rate)) {
      if (!video.seeking) video.currentTime = target + 0.05 * rate;
    } else {
      const nudge = Math.abs(ahead) > IN_STEP_S * rate ? -Math.sign(ahead) * NUDGE : 0;
      const wanted = rate * (1 + nudge);
      if (video.playbackRate !== wanted) video.playbackRate = wanted;
    }
    if (video.paused) video.play().catch((error) => error.name === "NotAllowedError" && this.#show("blocked", say("tile.blocked")));
  }

  #show(state, words) {
    if (state !== this.dataset.state) {
      this.dataset.state = state;
      this.#waitingSince = performance.now();
      this.dispatchEvent(new CustomEvent("tile:state", { bubbles: true, detail: { state } }));
    }
    const spoken = state === "loading" && this.waited < SILENT_MS ? "" : words;
    if (this.#spoken === spoken) return;
    this.#spoken = spoken;
    const place = this.querySelector("[data-words]");
    place.textContent = spoken;
    if (state === "unsupported") offerConverted(place, () => this.#convert());
  }

  #convert() {
    this.recording.converted = true;
    this.querySelector(".tile-recorded").textContent = say("past.converted");
  }
}

const lostAfter = (rate) => LOST_S * Math.max(1, rate);

function gapWords({ from, to, begins, ends }) {
  const times = { from: shortStamp(from), to: begins ? clockAt(to) : shortStamp(to), length: lengthInWords(to - from) };
  if (begins && ends) return say("past.gap", times);
  return begins ? say("past.gap_from", times) : ends ? say("past.gap_until", times) : say("past.nothing");
}

const refusedWords = ({ message }) => (message ? say("tile.refused", { reason: message }) : say("tile.refused_plain"));

customElements.define("recorded-tile", RecordedTile);
