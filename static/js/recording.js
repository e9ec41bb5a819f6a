/* What is recorded of one camera: which times, and the bytes of them, asked for as they are needed. */

import { cityNow } from "soc/now";
import { piecesOf } from "soc/playlist";

const CHUNK_MS = 5 * 60_000; // of a playlist asked for at once: short to list, and true to what is looked at
const GROWS_MS = 8_000; // a list that reached to now is asked for again after this long
const AGAIN_MS = 3_000;
const RENEWED_MS = 10_000; // lists whose addresses are over are asked for anew, not more often than this
const TURNS = 6; // to be told that too many are being converted, before it is said
const BETWEEN_TURNS_MS = 700;
const PICTURES_KEPT = 240;
const EMPTY = { spans: [], gaps: [], motion: null, alarms: [], bookmarks: [], kept_days: 0 };

/** The server's answer was no: `reason` in its words. */
export class Refused extends Error {}

/** The address was over, and its list has been dropped: what is still wanted is asked for by the next one. */
export class Renewed extends Error {}

export class Recording {
  /** What this browser cannot play is asked for coded anew, which costs the centre: only when somebody says so. */
  converted = false;
  #query;
  #chunks = new Map();
  #setups = new Map();
  #pictures = new Map();
  #covered = { from: Infinity, to: -Infinity, ...EMPTY };
  #asked = null;
  #failedAt = 0;
  #renewedAt = -Infinity;

  /** `named`: the incident or reason under which it is looked at; `from`, `until`: what may be asked for, in ms. */
  constructor(camera, { named = {}, from = -Infinity, until = Infinity } = {}) {
    this.camera = camera;
    this.bounds = { from, until };
    this.#query = Object.entries(named).filter(([, value]) => value);
  }

  /** Something was not answered; `trouble.status` is 404 when the answer was no. */
  fail(error) {
    this.trouble = error;
    this.#failedAt = performance.now();
  }

  /** Time to ask again? A no stays a no. */
  get mayAskAgain() {
    return Boolean(this.trouble) && this.trouble.status !== 404 && performance.now() - this.#failedAt > AGAIN_MS;
  }

  get coverage() {
    return this.#covered;
  }

  #address(door, more) {
    return `/api/v1/cameras/${this.camera}/${door}?${new URLSearchParams([...Object.entries(more), ...this.#query])}`;
  }

  /** A provision whose incident has been closed holds less than it did: true when less than up to `end` is left to ask for. */
  #isShorter(end, { until }) {
    if (until < this.bounds.until) this.bounds.until = until;
    return this.bounds.until < end;
  }

  #within(from, to) {
    return [Math.max(from, this.bounds.from), Math.min(to, this.bounds.until)];
  }

  /** Learn what there is between `from` and `to`; true when something new was learnt. */
  async look(from, to) {
    const [start, end] = this.#within(from, to);
    if (end <= start) return false;
    const asked = (this.#asked = { from: new Date(start).toISOString(), to: new Date(end).toISOString() });
    const answer = await fetch(this.#address("timeline", asked), { headers: { Accept: "application/json" } });
    if (!answer.ok) {
      const no = await refusal(answer);
      if (asked !== this.#asked || !this.#isShorter(end, no)) throw no;
      return this.look(from, to);
    }
    const body = await answer.json();
    if (asked !== this.#asked) return false;
    const timed = (rows = []) => rows.map((row) => ({ ...row, from: Date.parse(row.from), to: row.to === null ? cityNow() : Date.parse(row.to) }));
    const spans = timed(body.spans);
    // Of a gap that reaches over the end of what was asked for, nobody knows the length.
    const gaps = timed(body.gaps).map((gap) => ({ ...gap, begins: gap.from > start, ends: spans.some((span) => span.from >= gap.to) }));
    this.#covered = { ...EMPTY, ...body, from: start, to: end, spans, gaps, alarms: timed(body.alarms) };
    return true;
  }

  spanAt(at) {
    return this.#covered.spans.find((span) => span.from <= at && at < span.to);
  }

  gapAt(at) {
    return this.#covered.gaps.find((gap) => gap.from <= at && at < gap.to);
  }

  /** The next recorded moment at or after `at`, as far as is known. */
  nextAfter(at) {
    const next = this.#covered.spans.find((span) => span.to > at);
    return next && Math.max(at, next.from);
  }

  knows(at) {
    return at >= this.#covered.from && at < this.#covered.to;
  }

  /** Pieces between `from` and `to` in order; null while their list is on its way. */
  pieces(from, to) {
    const found = new Map();
    for (let start = Math.floor(from / CHUNK_MS) * CHUNK_MS; start < to; start += CHUNK_MS) {
      const chunk = this.#chunk(start);
      if (!chunk.pieces) return found.size ? [...found.values()] : null;
      for (const piece of chunk.pieces) if (piece.to > from && piece.from < to) found.set(piece.key, piece);
    }
    return [...found.values()];
  }

  #chunk(start) {
    const known = this.#chunks.get(start);
    const grown = known?.pieces && known.askedAt < start + CHUNK_MS + GROWS_MS && cityNow() - known.askedAt > GROWS_MS;
    if ((known && !grown) || this.trouble) return known ?? { pieces: null };
    const chunk = known ?? { pieces: null };
    chunk.askedAt = cityNow();
    this.#chunks.set(start, chunk);
    this.#list(start).then(
      (pieces) => (chunk.pieces = pieces),
      (error) => {
        this.#chunks.delete(start);
        this.fail(error);
      },
    );
    return chunk;
  }

  async #list(from) {
    const [start, end] = this.#within(from, from + CHUNK_MS);
    if (end <= start) return [];
    const address = this.#address("playback.m3u8", { from: new Date(start).toISOString(), to: new Date(end).toISOString() });
    const answer = await fetch(address);
    if (!answer.ok) {
      const no = await refusal(answer);
      if (!this.#isShorter(end, no)) throw no;
      return this.#list(from);
    }
    this.trouble = null;
    return piecesOf(await answer.text(), answer.url);
  }

  /** The bytes of pieces that follow each other in one file, and their MIME type. `anew`: as H.264, a file of their own. */
  async bytes(pieces, { anew = false, signal } = {}) {
    const [first, last] = [pieces[0], pieces.at(-1)];
    const asked = [first.start, last.start + last.size - 1, signal];
    const asking = anew ? inTurn(() => converted(`${first.url}&codec=h264`, ...asked)) : part(first.url, ...asked);
    const answer = await asking.catch((error) => this.#renew(error, first.url));
    return { bytes: await answer.arrayBuffer(), type: answer.headers.get("Content-Type") };
  }

  setup({ url, start, size }) {
    if (!this.#setups.has(url)) {
      const asked = part(url, start, start + size - 1).then(
        (answer) => answer.arrayBuffer(),
        (error) => this.#renew(error, url),
      );
      asked.catch(() => this.#setups.delete(url));
      this.#setups.set(url, asked);
    }
    return this.#setups.get(url);
  }

  /** After a long pause, or when the right has changed, an address opens no more, and its list has to be asked for anew.
      What a list named that has been dropped since says nothing of the next one. */
  #renew(error, url) {
    if (error.status !== 404) throw error;
    if (this.#lists(url)) {
      if (performance.now() - this.#renewedAt < RENEWED_MS) throw error;
      this.#renewedAt = performance.now();
      this.#chunks.clear();
    }
    throw new Renewed();
  }

  #lists(url) {
    return [...this.#chunks.values()].some(({ pieces }) => pieces?.some((piece) => piece.url === url || piece.setup.url === url));
  }

  /** A small picture of `at` as an address for an image; asked for once. */
  thumbnail(at) {
    if (!this.#pictures.has(at)) {
      const asked = this.#picture(at);
      asked.catch(() => this.#pictures.delete(at));
      this.#pictures.set(at, asked);
      this.#forgetPictures();
    }
    return this.#pictures.get(at);
  }

  async #picture(at) {
    const answer = await fetch(this.#address("thumbnail.jpg", { at: new Date(at).toISOString() }));
    if (!answer.ok) throw await refusal(answer);
    return URL.createObjectURL(await answer.blob());
  }

  #forgetPictures(keep = PICTURES_KEPT) {
    for (const [at, asked] of [...this.#pictures].slice(0, Math.max(0, this.#pictures.size - keep))) {
      this.#pictures.delete(at);
      asked.then(URL.revokeObjectURL, () => {});
    }
  }

  stop() {
    this.#forgetPictures(0);
  }
}

async function part(url, first, last, signal) {
  const answer = await fetch(url, { headers: { Range: `bytes=${first}-${last}` }, signal });
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

let turn = Promise.resolve();

/** One after the other for all cameras of the page: the centre converts few at once, and for everybody. */
function inTurn(ask) {
  const mine = turn.then(ask);
  turn = mine.catch(() => {});
  return mine;
}

async function converted(...asked) {
  for (let left = TURNS; ; left -= 1) {
    try {
      return await part(...asked);
    } catch (error) {
      if (error.status !== 503 || !left) throw error;
    }
    await new Promise((rested) => setTimeout(rested, BETWEEN_TURNS_MS * (0.5 + Math.random())));
  }
}

async function refusal(answer) {
  const body = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
  return Object.assign(new Refused(body.detail ?? ""), { status: answer.status, until: Date.parse(body.recorded_until) });
}
