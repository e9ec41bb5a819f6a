/* The clock, and how long ago things happened: one beat a second for the whole page. */

import { cityNow } from "soc/now";

const pad = (n) => String(n).padStart(2, "0");

/* The city's time, wherever the screen stands. */
const clockFace = new Intl.DateTimeFormat("en-GB", { timeZone: document.documentElement.dataset.zone, timeStyle: "medium" });

export const timeOfDay = (date) => clockFace.format(date);

export function since(date) {
  const s = Math.max(0, Math.floor((cityNow() - date) / 1000));
  const [hours, minutes] = [Math.floor(s / 3600), Math.floor((s % 3600) / 60)];
  return hours ? `${hours}:${pad(minutes)}:${pad(s % 60)}` : `${pad(minutes)}:${pad(s % 60)}`;
}

function beat() {
  for (const clock of document.querySelectorAll("[data-clock]")) clock.textContent = timeOfDay(cityNow());
  for (const age of document.querySelectorAll("time[data-age]")) {
    const words = since(new Date(age.dateTime));
    if (age.textContent !== words) age.textContent = words;
  }
  document.body.dispatchEvent(new CustomEvent("clock:beat"));
}

export function startClock() {
  beat();
  setInterval(beat, 1000);
  document.body.addEventListener("page:refreshed", beat);
}
