import "soc/playback-deck";
import { startOrders } from "soc/clips";
import { startClock } from "soc/clock";
import { openDialog, startDialogs } from "soc/dialogs";
import { startNews } from "soc/live";
import { keepOfflinePage } from "soc/offline";
import { startSound } from "soc/sound";
import { chooseTile, fillScreen, startTiles } from "soc/tiles";

const KEYS = { "?": () => openDialog("keys-dialog"), f: fillScreen };

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input, textarea, select")) return;
  if (/^[1-9]$/.test(event.key)) chooseTile(event.key);
  else KEYS[event.key]?.();
}

startClock();
startDialogs();
startTiles();
startOrders();
startSound();
startNews();
keepOfflinePage();
document.addEventListener("keydown", onKey);
