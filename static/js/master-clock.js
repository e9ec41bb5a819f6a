/** The one time that all cameras of a page show: it runs, stands, jumps, and waits for whoever is loading. */
export class MasterClock {
  #at;
  #since = performance.now();
  #held = false;
  rate = 1;
  playing = false;

  constructor(at) {
    this.#at = at;
  }

  get runs() {
    return this.playing && !this.#held;
  }

  get now() {
    return this.#at + (this.runs ? (performance.now() - this.#since) * this.rate : 0);
  }

  #anchor(change) {
    this.#at = this.now;
    this.#since = performance.now();
    change();
  }

  play(playing = true) {
    this.#anchor(() => (this.playing = playing));
  }

  setRate(rate) {
    this.#anchor(() => (this.rate = rate));
  }

  hold(held) {
    if (held !== this.#held) this.#anchor(() => (this.#held = held));
  }

  jump(at) {
    this.#at = at;
    this.#since = performance.now();
  }
}
