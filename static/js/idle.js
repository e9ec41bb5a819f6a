/* A screen that nobody touches is locked, on every page of the session: activity in one counts for all. The centre
 * counts as well, by what it is told here: a page that is stopped would lock nothing. */

import { askAgain, watchOtherTabs } from "./again.js";

const TOUCHED = "soc.touched";
const LOOK_EVERY_MS = 5_000;
const NOTE_EVERY_MS = 2_000;
const TELL_EVERY_MS = 20_000;
const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

let noted = 0;
let telling = null;

function note() {
  noted = Date.now();
  localStorage.setItem(TOUCHED, String(noted));
}

/** After the touch, so that the centre never counts from an earlier one than the page does. */
function tellSoon(form) {
  telling ??= setTimeout(async () => {
    telling = null;
    const body = new FormData(form);
    const answer = await fetch(form.dataset.stillHere, { method: "POST", body, redirect: "manual" }).catch(() => null);
    if (answer?.type === "opaqueredirect") askAgain();
  }, TELL_EVERY_MS);
}

async function lock(form, idle) {
  const body = new FormData(form);
  if (idle) body.set("idle", "yes");
  await fetch(form.action, { method: "POST", body });
  location.assign(`${form.dataset.unlock}?next=${encodeURIComponent(location.pathname + location.search)}`);
}

function lockWhenIdle(form) {
  const patience = Number(form.dataset.idleMinutes) * 60_000;
  // Either way: a clock that was put back is no reason to stay open for an hour.
  const isIdle = () => Math.abs(Date.now() - Number(localStorage.getItem(TOUCHED))) > patience;
  const touched = () => {
    // A machine that slept wakes up with a touch.
    if (Math.abs(Date.now() - noted) < NOTE_EVERY_MS || isIdle()) return;
    note();
    tellSoon(form);
  };
  note();
  for (const sign of SIGNS) addEventListener(sign, touched, { passive: true, capture: true });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    lock(form, false);
  });
  setInterval(() => isIdle() && lock(form, true), LOOK_EVERY_MS);
}

const form = document.querySelector("[data-lock]");
if (form) {
  lockWhenIdle(form);
  watchOtherTabs();
}
