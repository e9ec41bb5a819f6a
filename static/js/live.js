/* News from the city. The socket says only that something changed; the page asks for it over HTTP.
   What was missed while away is asked for by sequence number, so a lost socket loses nothing. */

import { askAgain } from "soc/again";
import { say } from "soc/texts";

const QUIET_MS = 40; // events of one transaction reach the page as one refresh
const SILENCE_MS = 25_000; // longer than any beat: the line is dead though nobody closed it
const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 10_000;
const OFFLINE_AFTER = 3;

class News {
  #corner = document.querySelector("[data-connection]");
  #seq = Number(document.querySelector("[data-seq]").dataset.seq);
  #socket;
  #failures = 0;
  #heard = 0;
  #pending = [];
  #asking = false;
  #askAgain = false;
  #answered = false;

  start() {
    this.#connect();
    setInterval(() => this.#watch(), 1000);
    addEventListener("online", () => this.#reconnectNow());
    addEventListener("offline", () => this.#show("offline"));
  }

  #connect() {
    const address = new URL("/ws/events/", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.#socket = new WebSocket(address);
    this.#socket.onopen = () => this.#opened();
    this.#socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    this.#socket.onclose = ({ code }) => this.#closed(code);
  }

  #opened() {
    this.#failures = 0;
    this.#heard = Date.now();
    this.#show("connected");
    this.#ask();
  }

  #closed(code) {
    this.#socket = null;
    if (code === 4401 || code === 4403) return this.#signedOut();
    this.#failures += 1;
    this.#show(this.#failures > OFFLINE_AFTER || !navigator.onLine ? "offline" : "reconnecting");
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS);
    setTimeout(() => this.#socket ?? this.#connect(), pause * (0.8 + Math.random() * 0.4));
  }

  #reconnectNow() {
    if (!this.#socket) this.#connect();
  }

  #watch() {
    if (!this.#heard || this.#socket?.readyState !== WebSocket.OPEN) return;
    const quiet = Date.now() - this.#heard;
    if (quiet > SILENCE_MS) this.#socket.close();
    else this.#age(quiet < 4000 ? "" : say("live.age", { seconds: Math.floor(quiet / 1000) }));
  }

  #hear({ kind, id, seq }) {
    this.#heard = Date.now();
    if (!(seq > this.#seq)) return;
    if (kind === "tick" || seq > this.#seq + 1) {
      this.#ask();
      return;
    }
    this.#seq = seq;
    this.#pass({ kind, id });
  }

  async #ask() {
    if (this.#asking) {
      this.#askAgain = true;
      return;
    }
    this.#asking = true;
    try {
      await this.#catchUp();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // fetch failed: the next beat asks again
    } finally {
      this.#asking = false;
    }
    if (this.#askAgain) {
      this.#askAgain = false;
      this.#ask();
    }
  }

  async #catchUp() {
    const answer = await fetch(`/api/v1/events/?after=${this.#seq}`, { headers: { Accept: "application/json" } });
    if (answer.status === 401 || answer.status === 403) return this.#signedOut();
    if (!answer.ok) return;
    const { events, latest, more } = await answer.json();
    this.#answered = true;
    for (const event of events) this.#pass(event);
    this.#seq = Math.max(this.#seq, latest);
    this.#askAgain ||= more;
  }

  #pass(event) {
    this.#pending.push(event);
    if (this.#pending.length === 1) setTimeout(() => this.#dispatch(), QUIET_MS);
  }

  #dispatch() {
    const events = this.#pending;
    this.#pending = [];
    for (const noun of new Set(events.map(({ kind }) => kind.split(".")[0]))) {
      const detail = { events: events.filter(({ kind }) => kind.startsWith(`${noun}.`)) };
      document.body.dispatchEvent(new CustomEvent(`${noun}:changed`, { detail }));
    }
    document.body.dispatchEvent(new CustomEvent("city:changed", { detail: { events } }));
  }

  /** Calls and pictures do not stay on the screen. A page that never had an answer would ask for ever. */
  #signedOut() {
    this.#show("signed_out");
    if (this.#answered) askAgain();
  }

  #show(state) {
    if (!this.#corner) return;
    this.#corner.dataset.connection = state;
    const shape = state === "signed_out" ? "offline" : state;
    for (const drawing of this.#corner.querySelectorAll("[data-shape]")) {
      drawing.hidden = drawing.dataset.shape !== shape;
    }
    this.#words(say(`live.${state}`));
    this.#age("");
  }

  #words(words) {
    this.#write("[data-words]", words);
  }

  #age(words) {
    this.#write("[data-quiet-for]", words);
  }

  #write(selector, words) {
    const place = this.#corner?.querySelector(selector);
    if (place && place.textContent !== words) place.textContent = words;
  }
}

export function startNews() {
  new News().start();
}
