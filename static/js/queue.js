/* The queue tells what is new: an urgent call sounds once, and an empty desk turns to it by itself. */

import { currentIncident, moveTo } from "soc/desk";
import { alarm } from "soc/sound";
import { say } from "soc/texts";

const rows = () => [...document.querySelectorAll("#queue .row")];
let known = new Map();
let knownReviews = new Set();

const stateOf = (row) => row.dataset.state;
const isWaiting = (row) => stateOf(row) === "reported";

function deskIsFree() {
  const current = currentIncident();
  if (!current) return !new URLSearchParams(location.search).get("camera");
  const row = document.getElementById(`row-${current}`);
  return !row || ["closed", "cancelled"].includes(stateOf(row));
}

function announce(row) {
  const words = say("queue.new_call", { what: row.dataset.what, where: row.dataset.where });
  document.getElementById("announcements").textContent = words;
}

function look() {
  const fresh = rows().filter((row) => isWaiting(row) && !known.has(row.dataset.number));
  known = new Map(rows().map((row) => [row.dataset.number, stateOf(row)]));
  countAlarms();
  lookForBreakGlass();
  if (!fresh.length) return;
  const urgent = fresh.find((row) => row.dataset.grade === "urgent");
  if (urgent) {
    alarm();
    announce(urgent);
  }
  if (deskIsFree()) moveTo((urgent ?? fresh[0]).querySelector("a").href);
}

/** A break-glass that has just been opened is loud for those who review it. */
function lookForBreakGlass() {
  const open = [...document.querySelectorAll("[data-break-glass]")];
  const fresh = open.find((line) => !knownReviews.has(line.dataset.breakGlass));
  knownReviews = new Set(open.map((line) => line.dataset.breakGlass));
  if (!fresh) return;
  alarm();
  document.getElementById("announcements").textContent = fresh.dataset.words;
}

function countAlarms() {
  const waiting = rows().filter((row) => isWaiting(row) && row.dataset.grade === "urgent").length;
  const place = document.querySelector("[data-alarms]");
  place.hidden = !waiting;
  place.querySelector("[data-count]").textContent = waiting;
}

/** Move the focus along the queue. */
export function step(by) {
  const links = rows().map((row) => row.querySelector("a"));
  if (!links.length) return;
  const at = links.indexOf(document.activeElement);
  const from = at >= 0 ? at : links.findIndex((link) => link.ariaCurrent === "true");
  links[Math.max(0, Math.min(links.length - 1, from + by))].focus();
}

export function startQueue() {
  knownReviews = new Set([...document.querySelectorAll("[data-break-glass]")].map((line) => line.dataset.breakGlass));
  known = new Map(rows().map((row) => [row.dataset.number, stateOf(row)]));
  countAlarms();
  document.body.addEventListener("page:refreshed", ({ detail }) => detail.target.id === "queue" && look());
}
