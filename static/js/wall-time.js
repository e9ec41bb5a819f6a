/* Times in the city's zone, wherever the screen stands and whatever the zone does twice a year. */

const ZONE = document.documentElement.dataset.zone;
const LANGUAGE = document.documentElement.lang;
const HOUR = 3_600_000;
const pad = (n, width = 2) => String(n).padStart(width, "0");

const fields = new Intl.DateTimeFormat("en-CA", {
  timeZone: ZONE, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const abbreviation = new Intl.DateTimeFormat(LANGUAGE, { timeZone: ZONE, timeZoneName: "short" });
const weekday = new Intl.DateTimeFormat(LANGUAGE, { timeZone: ZONE, month: "numeric", day: "numeric", weekday: "short" });

function partsOf(ms) {
  const parts = Object.fromEntries(fields.formatToParts(ms).map(({ type, value }) => [type, value]));
  return { ...parts, clock: `${parts.hour}:${parts.minute}:${parts.second}` };
}

/** Milliseconds that the city's clocks are ahead of UTC at `ms`. */
export function offsetAt(ms) {
  const { year, month, day, hour, minute, second } = partsOf(ms);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
}

const thisYear = new Date().getUTCFullYear();
/** Does the city change its clocks? Then an hour comes twice, and its times carry the zone's name. */
const CHANGES_CLOCKS = offsetAt(Date.UTC(thisYear, 0, 15)) !== offsetAt(Date.UTC(thisYear, 6, 15));

export const clockAt = (ms) => partsOf(ms).clock;

export function dateAt(ms) {
  const { year, month, day } = partsOf(ms);
  return `${year}-${month}-${day}`;
}

export const dayInWords = (ms) => weekday.format(ms);

/** 2026-03-08 14:03:22, with the zone's name where the same time may come twice. */
export function stamp(ms, { tenths = false } = {}) {
  const tenth = tenths ? `.${Math.floor((((ms % 1000) + 1000) % 1000) / 100)}` : "";
  return `${dateAt(ms)} ${clockAt(ms)}${tenth}${zoneName(ms)}`;
}

function zoneName(ms) {
  if (!CHANGES_CLOCKS) return "";
  return ` ${abbreviation.formatToParts(ms).find(({ type }) => type === "timeZoneName").value}`;
}

/** Today's times without their date. */
export const shortStamp = (ms, now = Date.now()) => (dateAt(ms) === dateAt(now) ? `${clockAt(ms)}${zoneName(ms)}` : stamp(ms));

/** 1:02:03 or 4:05 or 12 s. */
export function lengthInWords(ms) {
  const s = Math.round(ms / 1000);
  const [hours, minutes] = [Math.floor(s / 3600), Math.floor((s % 3600) / 60)];
  return hours ? `${hours}:${pad(minutes)}:${pad(s % 60)}` : `${minutes}:${pad(s % 60)}`;
}

/** Round times of the city's clocks between `from` and `to`, `step` apart: [ms, is it the start of a day]. */
export function ticks(from, to, step) {
  const found = [];
  let at = floorTo(from, step);
  while (at <= to) {
    if (at >= from) found.push([at, clockAt(at) === "00:00:00"]);
    const next = floorTo(at + step + (step > HOUR ? HOUR : 0), step);
    at = next > at ? next : at + step;
  }
  return found;
}

function floorTo(ms, step) {
  const local = ms + offsetAt(ms);
  const floor = Math.floor(local / step) * step;
  return floor - offsetAt(floor - offsetAt(ms));
}
