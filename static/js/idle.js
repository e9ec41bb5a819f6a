/* A screen that nobody touches is locked, on every page of the session: activity in one counts for all. */

import { watchOtherTabs } from "./again.js";

const TOUCHED = "soc.touched";
const LOOK_EVERY_MS = 5_000;
const NOTE_EVERY_MS = 2_000;
const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

let noted = 0;

function note() {
  if (Math.abs(Date.now() - noted) < NOTE_EVERY_MS) return;
  noted = Date.now();
  localStorage.setItem(TOUCHED, String(noted));
}

async function lock(form, idle) {
  const body = new FormData(form);
  if (idle) body.set("idle", "yes");
  await fetch(form.action, { method: "POST", body });
  location.assign(`${form.dataset.unlock}?next=${encodeURIComponent(location.pathname + location.search)}`);
}

function lockWhenIdle(form) {
  const patience = Number(form.dataset.idleMinutes) * 60_000;
  note();
  for (const sign of SIGNS) addEventListener(sign, note, { passive: true, capture: true });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    lock(form, false);
  });
  setInterval(() => {
    // Either way: a clock that was put back is no reason to stay open for an hour.
    if (Math.abs(Date.now() - Number(localStorage.getItem(TOUCHED))) > patience) lock(form, true);
  }, LOOK_EVERY_MS);
}

const form = document.querySelector("[data-lock]");
if (form) {
  lockWhenIdle(form);
  watchOtherTabs();
}
