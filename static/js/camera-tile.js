import { codecName, offerConverted } from "soc/convert";
import { say, seconds } from "soc/texts";
import { Stream } from "soc/stream";

const SILENT_MS = 300; // waiting shorter than this needs no words
const OUT_OF_SIGHT_MS = 4000;
const NOTE_MS = 5000;

/** A camera's live picture with its one line. Lives as long as it is on the page and in sight. */
class CameraTile extends HTMLElement {
  #stream;
  #words;
  #state;
  #inSight = false;
  #watcher;
  #timer;
  #wordsTimer;
  #noteTimer;
  #note = "";
  #onVisibility = () => this.#decide();

  connectedCallback() {
    this.#words = this.querySelector("[data-words]");
    this.#state = this.querySelector("[data-state-words]");
    this.#say("");
    this.#watcher = new IntersectionObserver(([entry]) => {
      this.#inSight = entry.isIntersecting;
      this.#decide();
    }, { rootMargin: "120px" });
    this.#watcher.observe(this);
    document.addEventListener("visibilitychange", this.#onVisibility);
    this.addEventListener("click", this.#onClick);
  }

  /** Moved within the page: the picture plays on. */
  connectedMoveCallback() {}

  disconnectedCallback() {
    this.#watcher.disconnect();
    document.removeEventListener("visibilitychange", this.#onVisibility);
    clearTimeout(this.#timer);
    this.#stop();
  }

  get video() {
    return this.querySelector("video");
  }

  /** How far the picture has come, in seconds of media time; 0 before the first. */
  get shown() {
    return this.#stream?.shown ?? 0;
  }

  #decide() {
    clearTimeout(this.#timer);
    const wanted = this.#inSight && !document.hidden;
    if (wanted && !this.#stream) this.#start();
    else if (!wanted && this.#stream) this.#timer = setTimeout(() => this.#rest(), OUT_OF_SIGHT_MS);
  }

  #start() {
    if (!this.dataset.live) return;
    this.#stream = new Stream(this.video, this.dataset.live, (state, detail) => this.#show(state, detail));
    this.#stream.start();
  }

  #convert() {
    const address = new URL(this.dataset.live, location.href);
    address.searchParams.set("codec", "h264");
    this.dataset.live = address;
    this.#stop();
    this.#start();
  }

  #stop() {
    clearTimeout(this.#wordsTimer);
    this.#forgetNote();
    this.#stream?.stop();
    this.#stream = null;
  }

  #rest() {
    this.#stop();
    this.#show("paused", {});
  }

  #onClick = () => {
    if (this.dataset.state === "blocked") this.video.play();
  };

  #show(state, detail) {
    if (state === "skipped") return this.#remark(say("tile.skipped", { seconds: seconds(detail.seconds) }));
    const before = this.dataset.state;
    if (state !== before) {
      this.dataset.state = state;
      this.dataset.path = this.#stream?.path ?? "";
      clearTimeout(this.#wordsTimer);
      this.dispatchEvent(new CustomEvent("tile:state", { bubbles: true, detail: { state } }));
    }
    if (state === "connecting") {
      this.#wordsTimer = setTimeout(() => this.#say(say("tile.connecting")), SILENT_MS);
      return;
    }
    this.#say(state === "live" ? this.#note : inWords(state, detail));
    if (state === "unsupported") offerConverted(this.#words, () => this.#convert());
    this.#line(state === "live" ? say("tile.delay", { seconds: seconds(detail.seconds) }) : "");
  }

  /** Something that happened and is over: said for a moment, over a picture that is live. */
  #remark(words) {
    this.#forgetNote();
    this.#note = words;
    this.#noteTimer = setTimeout(() => this.#forgetNote(), NOTE_MS);
  }

  #forgetNote() {
    clearTimeout(this.#noteTimer);
    this.#note = "";
  }

  #say(words) {
    if (this.#words.textContent !== words) this.#words.textContent = words;
  }

  #line(words) {
    if (!this.#state || this.#state.textContent === words) return;
    this.#state.textContent = words;
    this.#state.title = words && !isSecureContext ? say("tile.plain_http") : "";
  }
}

function inWords(state, detail) {
  if (state === "stale") return say("tile.stale", { seconds: Math.floor(detail.seconds) });
  if (state === "reconnecting") return say("tile.reconnecting", { seconds: Math.ceil(detail.seconds) });
  if (state === "unsupported") return say("tile.unsupported", { codec: codecName(detail.codec) });
  if (state === "refused" || state === "unavailable") {
    return detail.reason ? say(`tile.${state}`, detail) : say(`tile.${state}_plain`);
  }
  return say(`tile.${state}`);
}

customElements.define("camera-tile", CameraTile);
