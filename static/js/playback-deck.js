/* Looking back: the recorded tiles, the bar and the time line of a page, run by one clock. */

import "soc/recorded-tile";
import "soc/time-line";
import { moveTo } from "soc/desk";
import { openDialog } from "soc/dialogs";
import { MasterClock } from "soc/master-clock";
import { cityNow } from "soc/now";
import { say } from "soc/texts";
import { clockAt, lengthInWords, shortStamp, stamp } from "soc/wall-time";

const BEAT_MS = 40;
const PATIENCE_MS = 4_000; // how long the others wait for a camera that is loading
const SHOW_GAP_MS = 1_500; // when no camera has anything, its words stand this long before the clock jumps on
const EDGE_MS = 4_500;
const SPEEDS = [0.5, 1, 2, 4, 8];
const LONGEST_MS = 31 * 86_400_000;
const SCRUB_MS = 120;
const LEAST_MOTION = 8; // a level below this is the picture's noise
const WORTH = 0.4; // of the most that moved in the stretch shown: motion worth jumping to
const APART_MS = 5_000; // motion after a pause of this length is another motion
const NOTHING = new Set(["gap", "deleted", "outside", "unsupported", "refused"]);

class PlaybackDeck extends HTMLElement {
  #timer;
  #emptySince = 0;
  #scrubbed = 0;
  #marks = { begin: null, end: null };
  #spoken = "";

  /** A page that is merged in brings its elements first and their attributes after. */
  connectedCallback() {
    queueMicrotask(() => this.isConnected && !this.#timer && this.#start());
  }

  #start() {
    this.at = Date.parse(this.dataset.at);
    this.bounds = {
      from: Math.max(Date.parse(this.dataset.from) || 0, cityNow() - LONGEST_MS),
      until: Date.parse(this.dataset.until) || Infinity,
    };
    this.clock = new MasterClock(this.at);
    this.#timer = setInterval(() => this.beat(), BEAT_MS);
    document.addEventListener("keydown", this.#onKey, true);
    document.addEventListener("submit", this.#onSubmit);
    document.addEventListener("visibilitychange", this.#onVisibility);
    document.body.addEventListener("page:refreshed", this.#onRefresh);
    this.addEventListener("click", this.#onClick);
    this.addEventListener("change", this.#onChange);
    this.dispatchEvent(new CustomEvent("deck:ready"));
  }

  /** Moved within the page: the clock runs on. */
  connectedMoveCallback() {}

  disconnectedCallback() {
    clearInterval(this.#timer);
    this.#timer = null;
    document.removeEventListener("keydown", this.#onKey, true);
    document.removeEventListener("submit", this.#onSubmit);
    document.removeEventListener("visibilitychange", this.#onVisibility);
    document.body.removeEventListener("page:refreshed", this.#onRefresh);
  }

  get tiles() {
    return [...this.querySelectorAll("recorded-tile")].filter((tile) => tile.recording);
  }

  get hero() {
    return this.querySelector("recorded-tile.is-hero") ?? this.querySelector("recorded-tile");
  }

  get line() {
    return this.querySelector("time-line");
  }

  get now() {
    return this.clock.now;
  }

  get marks() {
    return this.#marks;
  }

  /** Learn what there is in a stretch of time, for every camera. */
  async look(from, to) {
    const asked = this.tiles.map(({ recording }) =>
      recording.look(from, to).then(
        () => (recording.trouble = null),
        (error) => recording.fail(error),
      ),
    );
    await Promise.all(asked);
  }

  #onRefresh = () => this.tiles.some(({ recording }) => !recording.knows(this.now)) && this.line && this.look(this.line.from, this.line.to).then(() => this.line?.draw());

  /* The clock */

  beat() {
    const { clock, tiles } = this;
    this.#stopAtTheEdge();
    clock.hold(clock.playing && tiles.some((tile) => tile.isWaiting && tile.waited < PATIENCE_MS));
    const now = clock.now;
    for (const tile of tiles) tile.follow(now, clock.runs ? clock.rate : 0);
    this.#passGaps(now);
    this.#askAgain();
    this.#paint(now);
  }

  #stopAtTheEdge() {
    const edge = Math.min(this.bounds.until, cityNow() - EDGE_MS);
    if (this.clock.now > edge) {
      this.clock.jump(edge);
      if (this.clock.playing && this.clock.rate > 1) this.clock.setRate(1);
      if (edge === this.bounds.until) this.clock.play(false);
    }
    if (this.clock.now < this.bounds.from) this.clock.jump(this.bounds.from);
  }

  #passGaps(now) {
    const empty = this.clock.playing && this.tiles.length && this.tiles.every((tile) => NOTHING.has(tile.dataset.state));
    if (!empty) this.#emptySince = 0;
    else if (!this.#emptySince) this.#emptySince = performance.now();
    else if (performance.now() - this.#emptySince > SHOW_GAP_MS) this.#goOn(now);
  }

  #goOn(now) {
    this.#emptySince = 0;
    const next = this.tiles.map(({ recording }) => recording.nextAfter(now)).filter((at) => at > now);
    if (next.length) this.clock.jump(Math.min(...next));
    else this.clock.play(false);
  }

  #askAgain() {
    const troubled = this.tiles.map(({ recording }) => recording).filter((recording) => recording.mayAskAgain);
    for (const recording of troubled) recording.trouble = null;
    if (troubled.length) this.line?.look();
  }

  seek(at) {
    this.clock.jump(Math.max(this.bounds.from, Math.min(at, this.bounds.until, cityNow() - EDGE_MS)));
    this.beat();
  }

  /** As `seek`, while the pointer is still moving: the pictures follow as fast as they can. */
  scrub(at) {
    if (performance.now() - this.#scrubbed < SCRUB_MS) return;
    this.#scrubbed = performance.now();
    this.seek(at);
  }

  toggle(playing = !this.clock.playing) {
    this.clock.play(playing);
  }

  setSpeed(rate) {
    this.clock.setRate(rate);
    this.clock.play();
  }

  faster() {
    const { clock } = this;
    if (!clock.playing) return clock.play();
    return clock.setRate(SPEEDS[Math.min(SPEEDS.indexOf(clock.rate) + 1, SPEEDS.length - 1)]);
  }

  back() {
    if (this.clock.rate > 1) this.clock.setRate(1);
    else this.seek(this.now - 10_000);
  }

  stand() {
    this.clock.play(false);
    this.clock.setRate(1);
  }

  /** One picture of the large camera on or back. */
  step(by) {
    this.clock.play(false);
    const next = this.hero?.pictureFrom(this.now, by);
    if (next !== null && next !== undefined) this.seek(next + 1); // a hair inside the picture
  }

  /* Jumping */

  jumpToEvent(by) {
    const times = [...this.line.querySelectorAll("[data-at]")].map((mark) => Date.parse(mark.dataset.at));
    this.#jumpAmong(times, by);
  }

  jumpToMotion(by) {
    const motion = this.hero?.recording.coverage.motion;
    if (motion) this.#jumpAmong(beginnings(motion), by);
  }

  #jumpAmong(times, by) {
    const now = this.now;
    const further = by > 0 ? times.filter((at) => at > now + 500) : times.filter((at) => at < now - 1500);
    if (further.length) this.seek(by > 0 ? Math.min(...further) : Math.max(...further));
  }

  /* Marks of a clip */

  mark(name) {
    this.#marks = { ...this.#marks, [name]: Math.round(this.now) };
    const { begin, end } = this.#marks;
    if (begin !== null && end !== null && end <= begin) this.#marks[name === "begin" ? "end" : "begin"] = null;
    this.paintSelection();
  }

  paintSelection() {
    const { begin, end } = this.#marks;
    this.line?.select(begin, end);
    this.#write("[data-marks]", begin === null && end === null ? "" : [begin, end].map((at) => (at === null ? "…" : clockAt(at))).join(" – "));
    for (const button of this.querySelectorAll("[data-act=order]")) button.disabled = Boolean(this.dataset.provision) && !this.#isMarked;
  }

  #order() {
    this.clock.play(false);
    if (!this.dataset.provision) return this.#sayHowAClipIsGiven();
    if (!this.#isMarked) return;
    const { begin, end } = this.#marks;
    const { camera, number } = this.hero.dataset;
    const [from, to] = [begin, end].map((at) => new Date(at).toISOString());
    const moment = `${stamp(begin)} – ${clockAt(end)} (${lengthInWords(end - begin)})`;
    openDialog("clip-dialog", { camera, number, from, to, moment, provision: this.dataset.provision });
  }

  /** Under a standing right nothing is ordered: the dialog says so, and leads to what can be done. */
  #sayHowAClipIsGiven() {
    const { begin, end } = this.#marks;
    const moment = this.#isMarked ? `${stamp(begin)} – ${clockAt(end)} (${lengthInWords(end - begin)})` : stamp(this.now);
    const dialog = openDialog("clip-dialog", { number: this.hero.dataset.number, moment });
    for (const link of dialog.querySelectorAll("a[data-marked]")) link.search = this.#whatIsMarked();
  }

  get #isMarked() {
    return this.#marks.begin !== null && this.#marks.end !== null;
  }

  /** The cameras shown, between the marks; without both, around the moment shown. */
  #whatIsMarked() {
    const { begin, end } = this.#marks;
    const period = this.#isMarked ? [["from", begin], ["until", end]] : [["at", this.now]];
    const times = period.map(([name, at]) => [name, new Date(at).toISOString()]);
    const cameras = this.tiles.map((tile) => ["camera", tile.dataset.camera]);
    return new URLSearchParams([["incident", this.dataset.incident ?? ""], ...cameras, ...times]);
  }

  /* Bookmarks */

  #bookmark() {
    this.clock.play(false);
    const at = Math.round(this.now);
    const { camera, number } = this.hero.dataset;
    this.#listOwnMarks(document.querySelector("[data-own-marks]"));
    openDialog("bookmark-dialog", { camera, at: new Date(at).toISOString(), moment: stamp(at), number, incident: this.dataset.incident ?? "" });
  }

  #listOwnMarks(part) {
    const template = part.querySelector("template").content.firstElementChild;
    const own = this.tiles.flatMap(({ recording, dataset }) =>
      recording.coverage.bookmarks.filter(({ mine }) => mine).map((mark) => ({ ...mark, number: dataset.number })),
    );
    part.hidden = !own.length;
    part.querySelector("ul").replaceChildren(...own.map((mark) => this.#ownMark(template.cloneNode(true), mark)));
  }

  #ownMark(row, { id, at, note, number }) {
    row.querySelector("time").textContent = shortStamp(Date.parse(at));
    row.querySelector("[data-number]").textContent = number;
    row.querySelector("[data-note]").textContent = note;
    row.querySelector("[data-take-back]").addEventListener("click", () => this.#takeBack(id, row.closest("dialog")));
    return row;
  }

  async #takeBack(id, dialog) {
    const problem = await send(`/api/v1/bookmarks/${id}/`, "DELETE").catch(() => say("error.network"));
    tellProblem(dialog, problem);
    if (problem) return;
    dialog.close();
    this.line.show(this.line.from, this.line.to);
  }

  #onSubmit = async (event) => {
    const form = event.target;
    if (!form.matches("[data-bookmark]")) return;
    event.preventDefault();
    const problem = await send(form.action, "POST", Object.fromEntries(new FormData(form))).catch(() => say("error.network"));
    tellProblem(form, problem);
    if (problem) return;
    form.reset();
    form.closest("dialog").close();
    this.line.show(this.line.from, this.line.to);
  };

  /* Painting */

  #paint(now) {
    this.#write("[data-time]", stamp(now, { tenths: !this.clock.playing }));
    const words = this.hero?.querySelector("[data-words]")?.textContent ?? "";
    if (this.line?.to) this.line.follow(now, words);
    this.#say();
    const play = this.querySelector("[data-act=play]");
    if (play && play.ariaPressed !== String(this.clock.playing)) {
      play.ariaPressed = String(this.clock.playing);
      play.querySelector("[data-playing]").toggleAttribute("hidden", !this.clock.playing);
      play.querySelector("[data-standing]").toggleAttribute("hidden", this.clock.playing);
    }
    for (const button of this.querySelectorAll("[data-speed]")) button.ariaPressed = String(Number(button.dataset.speed) === this.clock.rate);
  }

  /** A change of state of the large picture is said once, for those who do not see it. */
  #say() {
    const state = this.hero?.dataset.state;
    if (!state || state === this.#spoken || state === "loading") return;
    this.#spoken = state;
    this.#write("[data-spoken]", state === "playing" ? "" : this.hero.querySelector("[data-words]").textContent);
  }

  #write(selector, words) {
    const place = this.querySelector(selector);
    if (place && place.textContent !== words) place.textContent = words;
  }

  /* Hands */

  #acts = {
    play: () => this.toggle(),
    back: () => this.step(-1),
    forward: () => this.step(1),
    "event-back": () => this.jumpToEvent(-1),
    "event-forward": () => this.jumpToEvent(1),
    begin: () => this.mark("begin"),
    end: () => this.mark("end"),
    order: () => this.#order(),
    bookmark: () => this.#bookmark(),
    "zoom-in": () => this.line.zoom(0.5),
    "zoom-out": () => this.line.zoom(2),
  };

  #keys = {
    " ": this.#acts.play,
    k: () => this.stand(),
    l: () => this.faster(),
    j: () => this.back(),
    ArrowLeft: () => this.seek(this.now - 5_000),
    ArrowRight: () => this.seek(this.now + 5_000),
    "Shift+ArrowLeft": () => this.seek(this.now - 60_000),
    "Shift+ArrowRight": () => this.seek(this.now + 60_000),
    ",": this.#acts.back,
    ".": this.#acts.forward,
    ArrowUp: this.#acts["event-back"],
    ArrowDown: this.#acts["event-forward"],
    "Shift+ArrowUp": () => this.jumpToMotion(-1),
    "Shift+ArrowDown": () => this.jumpToMotion(1),
    "[": this.#acts.begin,
    "]": this.#acts.end,
    b: this.#acts.bookmark,
    c: this.#acts.order,
    "+": this.#acts["zoom-in"],
    "=": this.#acts["zoom-in"],
    "-": this.#acts["zoom-out"],
    PageUp: () => this.line.pan(-0.5),
    PageDown: () => this.line.pan(0.5),
    Home: () => this.seek(this.line.from),
    End: () => this.seek(this.line.to),
    Escape: () => this.#goBack(),
  };

  #onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input, textarea, select, [contenteditable]")) return;
    if (event.key === " " && event.target.matches("button, a, summary")) return;
    if (event.target.closest("city-map, .found")) return;
    const shifted = event.shiftKey && event.key.startsWith("Arrow");
    const act = this.#keys[shifted ? `Shift+${event.key}` : event.key];
    if (!act || (event.key === "Escape" && !(this.dataset.live || this.dataset.back))) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };

  #onClick = (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.act) this.#acts[button.dataset.act]();
    if (button?.dataset.speed) this.setSpeed(Number(button.dataset.speed));
    const leading = event.target.closest("a[data-marked]");
    if (leading) leading.search = this.#whatIsMarked();
    if (event.target.closest("recorded-tile")) requestAnimationFrame(() => this.line?.draw());
  };

  #onChange = ({ target }) => target.matches("[data-stretch]") && this.line.stretch(Number(target.value) * 1000);

  #onVisibility = () => document.hidden && this.clock.play(false);

  #goBack() {
    if (document.fullscreenElement) return;
    if (this.dataset.live) moveTo(this.dataset.live);
    else location.assign(this.dataset.back);
  }
}

/** When motion begins after a pause, in ms. */
function beginnings({ step_s, runs }) {
  const found = [];
  const worth = Math.max(LEAST_MOTION, WORTH * Math.max(0, ...runs.map(({ levels }) => Math.max(...levels))));
  let last = -Infinity;
  for (const { from, levels } of runs) {
    const begins = Date.parse(from);
    levels.forEach((level, i) => {
      if (level < worth) return;
      const at = begins + i * step_s * 1000;
      if (at - last > Math.max(APART_MS, step_s * 1000)) found.push(at);
      last = at;
    });
  }
  return found;
}

function tellProblem(within, problem) {
  const place = within.querySelector("[data-problem]");
  place.hidden = !problem;
  place.querySelector("span").textContent = problem;
}

/** What went wrong, in words; nothing when nothing did. */
async function send(address, method, body) {
  const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
  const answer = await fetch(address, { method, headers, body: body && JSON.stringify(body) });
  if (answer.ok) return "";
  if (answer.status >= 500) return say("error.server");
  const said = await answer.json();
  return String(said.detail ?? Object.values(said).flat()[0] ?? say("error.server"));
}

customElements.define("playback-deck", PlaybackDeck);
