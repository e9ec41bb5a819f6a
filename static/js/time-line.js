/* The strip under the pictures. With live pictures: ten minutes before the call until now. Inside a
   <playback-deck>: any stretch from a minute to a month, with what is recorded, its gaps and its motion. */

import { moveTo } from "soc/desk";
import { drawLanes } from "soc/lanes";
import { cityNow } from "soc/now";
import { clockAt, dateAt, dayInWords, shortStamp, stamp, ticks } from "soc/wall-time";

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000];
const BEFORE_MS = 10 * MINUTE;
const LEAST_AFTER_MS = 5 * MINUTE;
const SHORTEST = MINUTE;
const LONGEST = 30 * DAY;
const STEPS = [1, 2, 5, 10, 15, 30].map((n) => n * SECOND).concat(
  [1, 2, 5, 10, 15, 30].map((n) => n * MINUTE), [1, 2, 3, 6, 12].map((n) => n * HOUR), [1, 2, 5, 10].map((n) => n * DAY),
);
const TICK_PX = 84;
const SETTLED_MS = 220; // without moving for this long, the stretch is asked for
const REST_MS = 90; // the pointer rests: its thumbnail is asked for
const THUMBNAILS = 90; // different ones over the width of the strip
const REFRESH_MS = 20_000;

class TimeLine extends HTMLElement {
  #deck;
  #from = 0;
  #to = 0;
  #settling;
  #resting;
  #refreshing;
  #watcher;
  #beats = 0;

  connectedCallback() {
    this.#deck = this.closest("playback-deck");
    document.body.addEventListener("clock:beat", this.#everyFewSeconds);
    document.body.addEventListener("page:refreshed", this.#place);
    this.addEventListener("click", this.#onClick);
    // A page that is merged in brings its elements first and their attributes after.
    if (!this.#deck) queueMicrotask(() => this.isConnected && this.place());
    else if (this.#deck.clock) this.#startLookingBack();
    else this.#deck.addEventListener("deck:ready", () => this.isConnected && this.#startLookingBack(), { once: true });
  }

  disconnectedCallback() {
    document.body.removeEventListener("clock:beat", this.#everyFewSeconds);
    document.body.removeEventListener("page:refreshed", this.#place);
    this.#watcher?.disconnect();
    clearInterval(this.#refreshing);
    clearTimeout(this.#settling);
    clearTimeout(this.#resting);
  }

  connectedMoveCallback() {}

  get from() {
    return this.#from;
  }

  get to() {
    return this.#to;
  }

  /* With live pictures */

  #everyFewSeconds = () => {
    this.#beats += 1;
    if (!this.#deck && this.#beats % 5 === 0) this.place();
  };

  #place = () => this.place();

  place() {
    if (this.#deck && !this.#to) return;
    if (!this.#deck) this.#followTheCall();
    for (const mark of this.querySelectorAll("[data-at]")) this.#put(mark, Date.parse(mark.dataset.at));
    this.#rule();
  }

  #followTheCall() {
    const call = Date.parse(this.dataset.call);
    const end = this.dataset.end ? Date.parse(this.dataset.end) : cityNow();
    [this.#from, this.#to] = [call - BEFORE_MS, Math.max(end, call + LEAST_AFTER_MS)];
    const now = this.querySelector("[data-now]");
    if (now) now.style.left = this.#left(end);
    const past = this.querySelector("[data-past]");
    if (past) past.style.width = this.#left(end);
  }

  #share(at) {
    return (at - this.#from) / (this.#to - this.#from);
  }

  #left(at) {
    return `${Math.max(0, Math.min(100, this.#share(at) * 100))}%`;
  }

  #put(mark, at) {
    const share = this.#share(at);
    mark.hidden = this.#deck ? share < 0 || share > 1 : false;
    mark.style.left = this.#left(at);
  }

  #rule() {
    const rule = this.querySelector("[data-ticks]");
    const step = STEPS.find((s) => (this.#to - this.#from) / s <= this.clientWidth / TICK_PX) ?? STEPS.at(-1);
    rule.replaceChildren(...ticks(this.#from, this.#to, step).map(([at, midnight]) => this.#tick(at, midnight, step)));
  }

  #tick(at, midnight, step) {
    const tick = document.createElement("span");
    tick.style.left = this.#left(at);
    tick.className = midnight ? "tick-day" : "";
    tick.textContent = midnight ? dayInWords(at) : clockAt(at).slice(0, step < MINUTE ? 8 : 5);
    return tick;
  }

  /* Looking back */

  #startLookingBack() {
    const { at, bounds } = this.#deck;
    const called = Date.parse(this.dataset.call) || at;
    this.show(Math.min(at, called) - BEFORE_MS, Math.min(Math.max(at, called) + 2 * BEFORE_MS, cityNow() + MINUTE));
    this.#watcher = new ResizeObserver(() => this.draw());
    this.#watcher.observe(this);
    this.#refreshing = setInterval(() => this.#to > cityNow() - REFRESH_MS && bounds.until > cityNow() && this.look(), REFRESH_MS);
    const face = this.querySelector("[data-face]");
    face.addEventListener("pointerdown", this.#onPress);
    face.addEventListener("pointermove", this.#onHover);
    face.addEventListener("pointerleave", () => this.#hideThumbnail());
    this.addEventListener("wheel", this.#onWheel, { passive: false });
  }

  /** Show the stretch from `from` to `to` (ms), as far as there may be anything in it. */
  show(from, to) {
    const { from: earliest, until } = this.#deck.bounds;
    const latest = Math.min(until, cityNow());
    const length = Math.min(Math.max(to - from, SHORTEST), LONGEST, Math.max(SHORTEST, latest - earliest));
    const middle = (from + to) / 2;
    const start = Math.max(earliest, Math.min(middle - length / 2, latest + length * 0.04 - length));
    [this.#from, this.#to] = [start, start + length];
    this.place();
    this.draw();
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.look(), SETTLED_MS);
  }

  /** Ask what there is in the stretch shown. */
  async look() {
    await this.#deck.look(this.#from, this.#to);
    if (!this.isConnected) return;
    this.#findings();
    this.place();
    this.draw();
  }

  /** `length` ms of time over the width; the moment shown stays where it is. */
  stretch(length, around = this.#deck.now) {
    const share = Math.max(0, Math.min(1, this.#share(around)));
    this.show(around - length * share, around + length * (1 - share));
  }

  zoom(factor, around) {
    this.stretch((this.#to - this.#from) * factor, around);
  }

  pan(share) {
    const by = (this.#to - this.#from) * share;
    this.show(this.#from + by, this.#to + by);
  }

  /** Called at every beat of the clock. */
  follow(now, words) {
    const share = this.#share(now);
    if (share < 0 || share > 1) {
      const length = this.#to - this.#from;
      this.show(now - length * 0.1, now + length * 0.9);
    }
    const cursor = this.querySelector("[data-cursor]");
    cursor.style.left = this.#left(now);
    const second = Math.round(now / 1000);
    if (cursor.ariaValueNow === String(second)) return;
    cursor.ariaValueMin = Math.round(this.#from / 1000);
    cursor.ariaValueMax = Math.round(this.#to / 1000);
    cursor.ariaValueNow = second;
    cursor.ariaValueText = [stamp(now), words].filter(Boolean).join(", ");
  }

  /** Shade what lies between the marks of a clip; either may be missing. */
  select(begin, end) {
    const shade = this.querySelector("[data-selection]");
    shade.hidden = begin === null && end === null;
    const [left, right] = [begin ?? end, end ?? begin].map((at) => Math.max(0, Math.min(1, this.#share(at))) * 100);
    shade.style.left = `${left}%`;
    shade.style.width = `max(2px, ${right - left}%)`;
  }

  draw() {
    const canvas = this.querySelector("[data-lanes]");
    if (canvas?.clientWidth) drawLanes(canvas, this.#deck.tiles.map((tile) => tile.recording), this.#deck.hero?.recording, this.#from, this.#to);
    this.#deck.paintSelection();
  }

  /** Bookmarks and alarms, which the page did not know when it was made. */
  #findings() {
    const found = this.querySelector("[data-found]");
    const seen = new Map();
    for (const { recording } of this.#deck.tiles) {
      for (const mark of recording.coverage.bookmarks) seen.set(`mark ${mark.id}`, this.#finding("line-bookmark", mark.at, mark.note));
      for (const alarm of recording.coverage.alarms) {
        seen.set(`alarm ${recording.camera} ${alarm.from}`, this.#finding("line-alarm", new Date(alarm.from).toISOString(), alarm.words));
      }
    }
    found.replaceChildren(...seen.values());
  }

  #finding(kind, at, words) {
    const template = this.querySelector("template").content.firstElementChild.cloneNode(true);
    template.classList.add(kind);
    template.dataset.at = at;
    template.querySelector("[data-words]").textContent = words;
    template.querySelector("time").textContent = shortStamp(Date.parse(at));
    return template;
  }

  /* Pointer */

  #at(event) {
    const box = this.getBoundingClientRect();
    return this.#from + ((event.clientX - box.left) / box.width) * (this.#to - this.#from);
  }

  #onClick = (event) => {
    const mark = event.target.closest(".line-mark");
    if (mark && this.#deck) this.#deck.seek(Date.parse(mark.dataset.at));
    else if (!this.#deck && this.dataset.past) moveTo(this.dataset.past + encodeURIComponent(new Date(mark ? Date.parse(mark.dataset.at) : this.#at(event)).toISOString()));
  };

  #onPress = (event) => {
    if (event.button) return;
    const face = event.currentTarget;
    face.setPointerCapture(event.pointerId);
    const wasPlaying = this.#deck.clock.playing;
    let last = this.#at(event);
    const move = (moved) => {
      last = this.#at(moved);
      this.#deck.scrub(last);
    };
    const end = () => {
      face.removeEventListener("pointermove", move);
      this.#deck.seek(last);
      if (wasPlaying) this.#deck.clock.play();
    };
    this.#deck.clock.play(false);
    face.addEventListener("pointermove", move);
    face.addEventListener("lostpointercapture", end, { once: true });
    this.#deck.seek(last);
  };

  #onHover = (event) => {
    if (event.pointerType === "touch" && !event.buttons) return;
    const grain = Math.max(SECOND, (this.#to - this.#from) / THUMBNAILS);
    const at = Math.round(this.#at(event) / grain) * grain;
    clearTimeout(this.#resting);
    this.#frameThumbnail(at);
    this.#resting = setTimeout(() => this.#showThumbnail(at), REST_MS);
  };

  #frameThumbnail(at) {
    const frame = this.querySelector("[data-thumb]");
    frame.hidden = false;
    frame.style.left = `clamp(84px, ${this.#left(at)}, calc(100% - 84px))`;
    frame.querySelector("figcaption").textContent = dateAt(this.#from) === dateAt(this.#to) ? clockAt(at) : stamp(at);
    frame.dataset.moment = at;
  }

  async #showThumbnail(at) {
    const frame = this.querySelector("[data-thumb]");
    const picture = frame.querySelector("img");
    const recording = this.#deck.hero?.recording;
    if (!recording?.spanAt(at)) {
      picture.hidden = true;
      return;
    }
    const address = await recording.thumbnail(at).catch(() => "");
    if (frame.dataset.moment !== String(at)) return;
    picture.hidden = !address;
    if (address) picture.src = address;
  }

  #hideThumbnail() {
    clearTimeout(this.#resting);
    this.querySelector("[data-thumb]").hidden = true;
  }

  #onWheel = (event) => {
    event.preventDefault();
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.pan((event.deltaX || event.deltaY) / 1000);
    else this.zoom(event.deltaY > 0 ? 1.3 : 1 / 1.3, this.#at(event));
  };
}

customElements.define("time-line", TimeLine);
