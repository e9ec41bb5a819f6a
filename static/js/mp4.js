/* The few facts a player needs out of fragmented MP4. */

function* boxes(view, from, to) {
  for (let at = from; at + 8 <= to; ) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > to) return;
    yield { name: view.getUint32(at + 4), start: at + 8, end: at + size };
    at += size;
  }
}

const code = (name) => [...name].reduce((number, letter) => number * 256 + letter.charCodeAt(0), 0);
const [MOOV, TRAK, MDIA, MDHD, MOOF, TRAF, TFDT, TRUN] = ["moov", "trak", "mdia", "mdhd", "moof", "traf", "tfdt", "trun"].map(code);

function find(view, path, from = 0, to = view.byteLength) {
  for (const box of boxes(view, from, to)) {
    if (box.name === path[0]) return path.length === 1 ? box : find(view, path.slice(1), box.start, box.end);
  }
  return null;
}

const wide = (view, at) => Number(view.getBigUint64(at));

/** Ticks a second of the video in a set-up (ftyp and moov). */
export function timescaleOf(bytes) {
  const view = new DataView(bytes);
  const { start } = find(view, [MOOV, TRAK, MDIA, MDHD]);
  return view.getUint32(start + (view.getUint8(start) === 1 ? 20 : 12));
}

/** When each picture in a run of fragments is shown, in ticks, in order. */
export function pictureTimes(bytes) {
  const view = new DataView(bytes);
  const times = [];
  for (const moof of boxes(view, 0, view.byteLength)) {
    if (moof.name !== MOOF) continue;
    const traf = find(view, [TRAF], moof.start, moof.end);
    const tfdt = find(view, [TFDT], traf.start, traf.end).start;
    const begins = view.getUint8(tfdt) === 1 ? wide(view, tfdt + 4) : view.getUint32(tfdt + 4);
    times.push(...samplesOf(view, find(view, [TRUN], traf.start, traf.end).start, begins));
  }
  return times.sort((a, b) => a - b);
}

function samplesOf(view, trun, begins) {
  const flags = view.getUint32(trun) & 0xffffff;
  const count = view.getUint32(trun + 4);
  let [at, row] = [begins, trun + 8 + (flags & 1 ? 4 : 0) + (flags & 4 ? 4 : 0)];
  const times = [];
  for (let number = 0; number < count; number += 1) {
    const length = flags & 0x100 ? view.getUint32(row) : 0;
    const shift = flags & 0x800 ? view.getInt32(row + 4 * (((flags >> 8) & 1) + ((flags >> 9) & 1) + ((flags >> 10) & 1))) : 0;
    times.push(at + shift);
    at += length;
    row += 4 * [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length;
  }
  return times;
}
