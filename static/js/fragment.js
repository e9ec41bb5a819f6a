/* A live fragment as our own server writes it: one picture, then the time at which it was taken.
   Everything stands where it always stands (apps/video/fmp4.py), so there is nothing to search. */

const MOOF = 0x6d6f6f66;
const UUID = 0x75756964;
const DATA_AT = 112;
const TAKEN_BYTES = 32;
const TICKS = 90_000;
const KEY = 0x02000000;

/** {bytes, at: seconds of media time at which it is shown, takenAt: ms since 1970, key, data}; null if it is none. */
export function readFragment(bytes) {
  const view = new DataView(bytes);
  const takenAt = bytes.byteLength - TAKEN_BYTES;
  if (takenAt <= DATA_AT || view.getUint32(4) !== MOOF || view.getUint32(takenAt + 4) !== UUID) return null;
  if (view.getUint32(80) !== 1) return null; // pictures in it
  const decoded = Number(view.getBigUint64(60));
  return {
    bytes,
    at: (decoded + view.getInt32(100)) / TICKS,
    takenAt: Number(view.getBigUint64(takenAt + 24)) / 1000,
    key: view.getUint32(96) === KEY,
    data: new Uint8Array(bytes, DATA_AT, takenAt - DATA_AT),
  };
}

/** What a decoder is set up with: the body of avcC or hvcC in a set-up (ftyp and moov); null without one. */
export function configurationOf(init) {
  const bytes = new Uint8Array(init);
  for (let at = 8; at + 8 < bytes.length; at += 1) {
    if (bytes[at + 1] !== 0x76 || bytes[at + 2] !== 0x63 || bytes[at + 3] !== 0x43) continue; // ?vcC
    if (bytes[at] !== 0x61 && bytes[at] !== 0x68) continue;
    const size = new DataView(init).getUint32(at - 4);
    if (size > 8 && at - 4 + size <= bytes.length) return bytes.slice(at + 4, at - 4 + size);
  }
  return null;
}

export const codecOf = (mime) => /codecs="?([^"]*)/.exec(mime)?.[1] ?? mime;
