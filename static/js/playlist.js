/* A playlist of a recording, read into pieces that know their true time. */

const SAME_MS = 50; // two lists may name one piece with times that differ in their rounding

/** `base`: the playlist's address. Pieces: {key, from, to, url, start, size, setup: {url, start, size}}, times in ms. */
export function piecesOf(text, base) {
  const pieces = [];
  let [setup, at, length, range, end] = [null, null, 0, null, 0];
  for (const line of text.split("\n")) {
    const [, tag, value] = /^#([A-Z0-9-]+)(?::(.*))?/.exec(line) ?? [];
    if (tag === "EXT-X-MAP") setup = setupOf(value, base);
    else if (tag === "EXT-X-PROGRAM-DATE-TIME") at = Date.parse(value);
    else if (tag === "EXTINF") length = parseFloat(value) * 1000;
    else if (tag === "EXT-X-BYTERANGE") range = value;
    else if (line && !tag && at !== null && range) {
      const [size, start] = range.split("@").map(Number);
      const begin = start ?? end;
      pieces.push({ key: Math.round(at / SAME_MS), from: at, to: at + length, url: new URL(line, base).href, start: begin, size, setup });
      [at, end] = [at + length, begin + size];
    }
  }
  return pieces;
}

function setupOf(value, base) {
  const [size, start] = /BYTERANGE="(\d+)@(\d+)"/.exec(value).slice(1).map(Number);
  return { url: new URL(/URI="([^"]+)"/.exec(value)[1], base).href, start, size };
}
