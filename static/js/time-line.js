/* The strip under the stage: ten minutes before the call until now, with what happened in between. */

import { say } from "soc/texts";
import { timeOfDay } from "soc/clock";

const BEFORE_MS = 10 * 60_000;
const LEAST_AFTER_MS = 5 * 60_000;
const STEPS_MIN = [1, 2, 5, 10, 15, 30, 60, 120, 240, 480];
const MOST_TICKS = 12;

class TimeLine extends HTMLElement {
  #beat = () => this.place();
  #beats = 0;

  connectedCallback() {
    document.body.addEventListener("clock:beat", this.#everyFewSeconds);
    document.body.addEventListener("page:refreshed", this.#beat);
    this.place();
  }

  disconnectedCallback() {
    document.body.removeEventListener("clock:beat", this.#everyFewSeconds);
    document.body.removeEventListener("page:refreshed", this.#beat);
  }

  connectedMoveCallback() {}

  #everyFewSeconds = () => {
    this.#beats += 1;
    if (this.#beats % 5 === 0) this.place();
  };

  place() {
    const call = Date.parse(this.dataset.call);
    const end = this.dataset.end ? Date.parse(this.dataset.end) : Date.now();
    if (!call) return;
    const [from, to] = [call - BEFORE_MS, Math.max(end, call + LEAST_AFTER_MS)];
    const at = (time) => `${Math.max(0, Math.min(100, ((time - from) / (to - from)) * 100))}%`;
    for (const mark of this.querySelectorAll("[data-at]")) mark.style.left = at(Date.parse(mark.dataset.at));
    const now = this.querySelector("[data-now]");
    if (now) now.style.left = at(end);
    const past = this.querySelector("[data-past]");
    if (past) past.style.width = at(end);
    this.#ticks(call, from, to, at);
  }

  #ticks(call, from, to, at) {
    const rule = this.querySelector("[data-ticks]");
    if (!rule) return;
    const minutes = (to - from) / 60_000;
    const step = (STEPS_MIN.find((s) => minutes / s <= MOST_TICKS) ?? STEPS_MIN.at(-1)) * 60_000;
    const ticks = [];
    for (let time = call - Math.floor((call - from) / step) * step; time <= to; time += step) {
      const tick = document.createElement("span");
      tick.style.left = at(time);
      tick.textContent = time < call ? say("time.minutes_ago", { minutes: Math.round((call - time) / 60_000) }) : timeOfDay(new Date(time)).slice(0, 5);
      if (time === call) tick.className = "tick-call";
      ticks.push(tick);
    }
    rule.replaceChildren(...ticks);
  }
}

customElements.define("time-line", TimeLine);
