/* Reads a file of any size piece by piece: its fingerprint, the seal in its last box, the numbers at its ends. */

const BLOCK = 4 << 20;
const HEAD = 32;
const LARGEST_SEAL = 1 << 20;
const MOST_BOXES = 5000;
const LOOKED_AT = 256 * 1024;
const NUMBER = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;

const bytesOf = async (file, from, to) => new Uint8Array(await file.slice(from, to).arrayBuffer());
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Where the seal begins and ends, or null: the last top-level box of our type. */
async function findSeal(file, type) {
  let found = null;
  for (let at = 0, boxes = 0; at + 8 <= file.size && boxes < MOST_BOXES; boxes += 1) {
    const head = await bytesOf(file, at, at + HEAD);
    const view = new DataView(head.buffer);
    const isLarge = view.getUint32(0) === 1 && head.length >= 16;
    const begins = isLarge ? 16 : 8;
    const size = isLarge ? Number(view.getBigUint64(8)) : view.getUint32(0);
    if (size < begins) break; // to the end of the file, or no box at all
    const isSeal = hex(head.subarray(4, 8)) === "75756964" && hex(head.subarray(begins, begins + 16)) === type;
    if (isSeal && size <= LARGEST_SEAL) found = { at, text: at + begins + 16, end: at + size };
    at += size;
  }
  return found;
}

async function parsed(file, seal) {
  try {
    const document = JSON.parse(await file.slice(seal.text, seal.end).text());
    return document && typeof document === "object" && !Array.isArray(document) ? document : {};
  } catch {
    return {};
  }
}

/** The seal at the end of a file whose boxes lead elsewhere: it names the clip that was changed. */
async function strayed(file, type) {
  const from = Math.max(0, file.size - LOOKED_AT);
  const at = hex(await bytesOf(file, from, file.size)).lastIndexOf(`75756964${type}`);
  return at < 0 ? {} : parsed(file, { text: from + at / 2 + 20, end: file.size });
}

async function fingerprints(file, sha256, sealAt) {
  const whole = sha256.create();
  let content = "";
  for (let at = 0; at < file.size; ) {
    const to = at < sealAt ? Math.min(at + BLOCK, sealAt) : Math.min(at + BLOCK, file.size);
    whole.update(await bytesOf(file, at, to));
    at = to;
    if (at === sealAt) content = hex(whole.clone().digest());
    postMessage({ percent: Math.floor((100 * at) / file.size) });
  }
  return { sha256: hex(whole.digest()), content };
}

async function numbers(file) {
  const latin = new TextDecoder("latin1");
  const ends = [file.slice(0, LOOKED_AT), file.slice(Math.max(0, file.size - LOOKED_AT))];
  const texts = await Promise.all(ends.map(async (end) => latin.decode(await end.arrayBuffer())));
  return [...new Set(texts.flatMap((text) => text.match(NUMBER) ?? []))].slice(0, 16);
}

async function read({ file, hashes, sealType }) {
  const { sha256 } = await import(hashes);
  const seal = await findSeal(file, sealType);
  const endsWithSeal = seal && seal.end === file.size;
  return {
    ...(await fingerprints(file, sha256, endsWithSeal ? seal.at : -1)),
    seal: seal ? await parsed(file, seal) : await strayed(file, sealType),
    numbers: await numbers(file),
  };
}

self.onmessage = async ({ data }) => {
  try {
    postMessage({ evidence: await read(data) });
  } catch (error) {
    postMessage({ failed: String(error) });
  }
};
