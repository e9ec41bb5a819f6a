import { drawerIsOpen, moveTo, toggleDrawer } from "soc/desk";
import { openDialog } from "soc/dialogs";
import { step } from "soc/queue";
import { chooseTile, fillScreen } from "soc/tiles";

const KEYS = {
  "?": () => openDialog("keys-dialog"),
  "/": () => document.getElementById("search").focus(),
  j: () => step(1),
  ArrowDown: () => step(1),
  k: () => step(-1),
  ArrowUp: () => step(-1),
  f: fillScreen,
  i: () => toggleDrawer(),
  m: () => document.querySelector("[data-sound]").click(),
};

function isTyping(target) {
  return target.matches("input, textarea, select, [contenteditable]");
}

/** One step back: the search, the drawer, then the incident. */
function back(target) {
  const found = document.getElementById("found");
  if (found.childElementCount) return found.replaceChildren();
  if (isTyping(target)) return target.blur();
  if (drawerIsOpen()) return toggleDrawer(false);
  return location.search ? moveTo(location.pathname) : undefined;
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") return back(event.target);
  if (isTyping(event.target)) return;
  if (event.key.startsWith("Arrow") && event.target.closest("city-map")) return;
  const act = /^[1-9]$/.test(event.key) ? () => chooseTile(event.key) : KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

export function startKeys() {
  document.addEventListener("keydown", onKey);
}
