/* One camera's live picture: the line to the server, the true age of what is seen, and what to say about it.
   How pictures are drawn is left to codec-picture.js or, where a browser cannot, media-picture.js. */

import { CodecPicture } from "soc/codec-picture";
import { codecOf, readFragment } from "soc/fragment";
import { MediaPicture } from "soc/media-picture";

const REFUSED = 4403;
const UNAVAILABLE = 4503;
const STALE_AFTER_S = 3;
const RENEW_AFTER_S = 15; // longer than another recorder needs to take over
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const ROUND_MS = 250;

async function pictureFor(mime, init, codecsFail) {
  if (!codecsFail && (await CodecPicture.plays(mime, init))) return CodecPicture;
  return MediaPicture.plays(mime) ? MediaPicture : null;
}

export class Stream {
  #video;
  #address;
  #tell;
  #socket = null;
  #picture = null;
  #codecsFail = false;
  #mime;
  #init = null;
  #early = [];
  #rounds;
  #retry;
  #pause = FIRST_PAUSE_MS;
  #heardAt;
  #ahead; // of the server's clock: ms
  #times = []; // media time and time of taking, of the picture that is seen and those that follow
  #shown = null; // seconds of media time of the picture that is seen
  #nextShown;
  #blocked = false; // until a click: the browser plays nothing by itself
  #got = 0;
  #said = null;
  #onLine = () => this.#connectNow();

  /** `tell(state, detail)` hears connecting, live, stale, skipped, reconnecting, refused, unavailable, unsupported,
   *  blocked. */
  constructor(video, address, tell) {
    this.#video = video;
    this.#address = new URL(address, location.href);
    this.#address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.#tell = tell;
  }

  /** How far the picture has come, in seconds of media time; 0 before the first. */
  get shown() {
    return this.#shown ?? 0;
  }

  get path() {
    return this.#picture?.constructor.path ?? "";
  }

  start() {
    this.#tell("connecting", {});
    this.#connect();
    this.#rounds = setInterval(() => this.#goRound(), ROUND_MS);
    addEventListener("online", this.#onLine);
  }

  stop() {
    clearInterval(this.#rounds);
    clearTimeout(this.#retry);
    removeEventListener("online", this.#onLine);
    this.#hangUp();
    this.#clear();
  }

  // --- the line ---

  #connect() {
    const socket = new WebSocket(this.#address);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.#hear(data);
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
    this.#socket = socket;
    this.#heardAt = Date.now();
    this.#ahead = Infinity;
    this.#early = [];
    this.#times = [];
    this.#got = 0;
    this.#said = null; // even "none yet" is news: the server then heeds the way from the first picture on
  }

  #hangUp() {
    if (!this.#socket) return;
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
    this.#init = null;
  }

  #closed(code, reason) {
    this.#hangUp();
    if (code === REFUSED) {
      this.stop();
      this.#tell("refused", { reason });
      return;
    }
    const wait = this.#pause * (0.8 + Math.random() * 0.4);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    if (code === UNAVAILABLE) {
      this.#clear();
      this.#tell("unavailable", { reason });
    } else {
      this.#tell("reconnecting", { seconds: wait / 1000 });
    }
    this.#retry = setTimeout(() => this.#connect(), wait);
  }

  #connectNow() {
    if (this.#socket && this.#silence() < STALE_AFTER_S) return;
    clearTimeout(this.#retry);
    this.#hangUp();
    this.#pause = FIRST_PAUSE_MS;
    this.#connect();
  }

  #silence() {
    return (Date.now() - this.#heardAt) / 1000;
  }

  // --- what comes ---

  #hear(data) {
    this.#heardAt = Date.now();
    if (typeof data === "string") this.#told(JSON.parse(data));
    else if (!this.#init) this.#setUp(data);
    else this.#take(data);
  }

  #told({ mime, now, skipped }) {
    if (now) this.#ahead = Math.min(this.#ahead, Date.now() - now * 1000);
    if (skipped) this.#tell("skipped", { seconds: skipped });
    if (!mime) return;
    this.#mime = mime;
    this.#init = null;
  }

  async #setUp(init) {
    const mime = this.#mime;
    this.#init = init;
    this.#early = [];
    const Picture = await pictureFor(mime, init, this.#codecsFail);
    if (this.#init !== init) return; // another came meanwhile
    if (!Picture) {
      this.stop();
      this.#tell("unsupported", { codec: codecOf(mime) });
      return;
    }
    if (this.#picture?.constructor !== Picture) this.#draw(Picture);
    this.#forgetShown();
    this.#followShown();
    this.#picture.setUp(mime, init);
    this.#play();
    for (const fragment of this.#early) this.#picture.take(fragment);
    this.#early = null;
  }

  #draw(Picture) {
    this.#clear();
    const picture = new Picture(this.#video, (what, seconds) => picture === this.#picture && this.#pictured(what, seconds));
    this.#picture = picture;
  }

  #pictured(what, seconds) {
    if (what === "failed") {
      this.#codecsFail ||= this.#picture instanceof CodecPicture;
      this.#clear();
      this.#closed(0, "");
    } else {
      this.#tell(what, { seconds });
    }
  }

  #take(bytes) {
    this.#got += 1;
    const fragment = readFragment(bytes);
    if (!fragment) return;
    this.#pause = FIRST_PAUSE_MS;
    this.#ahead = Math.min(this.#ahead, Date.now() - fragment.takenAt);
    this.#times.push({ at: fragment.at, takenAt: fragment.takenAt });
    if (this.#early) this.#early.push(fragment);
    else this.#picture.take(fragment);
  }

  #clear() {
    this.#forgetShown();
    this.#picture?.stop();
    this.#picture = null;
  }

  // --- what is seen ---

  /** What the browser was about to say of the pictures before is not to be taken for one of those that come now. */
  #forgetShown() {
    this.#video.cancelVideoFrameCallback(this.#nextShown);
    this.#shown = null;
  }

  #followShown() {
    this.#nextShown = this.#video.requestVideoFrameCallback((_now, { mediaTime }) => {
      this.#shown = mediaTime;
      this.#followShown();
    });
  }

  #play() {
    this.#video.play().catch((error) => error.name === "NotAllowedError" && this.#block());
  }

  #block() {
    this.#blocked = true;
    this.#tell("blocked", {});
  }

  // --- round after round ---

  #goRound() {
    if (!this.#socket) return;
    this.#acknowledge();
    this.#picture?.keepUp();
    this.#blocked &&= this.#video.paused;
    if (this.#picture && this.#video.paused) this.#play();
    if (this.#blocked) return;
    const age = this.#age();
    if (Math.max(age ?? 0, this.#silence()) > RENEW_AFTER_S) this.#closed(0, "");
    else if (age > STALE_AFTER_S) this.#tell("stale", { seconds: age });
    else if (age !== null) this.#tell("live", { seconds: age });
  }

  /** Tell the server how many pictures have come, so that it never sends more than the way can carry. */
  #acknowledge() {
    if (this.#got === this.#said || this.#socket.readyState !== WebSocket.OPEN) return;
    this.#said = this.#got;
    this.#socket.send(this.#got);
  }

  /** Seconds since the picture that is seen came to the recorder; null while none is. */
  #age() {
    if (this.#early || this.#shown === null || !this.#times.length) return null;
    while (this.#times.length > 1 && this.#times[1].at <= this.#shown + 0.001) this.#times.shift();
    return Math.max(0, (Date.now() - this.#ahead - this.#times[0].takenAt) / 1000);
  }
}
