import "soc/playback-deck";
import { startOrders } from "soc/clips";
import { startClock } from "soc/clock";
import { openDialog, startDialogs } from "soc/dialogs";
import { startNews } from "soc/live";
import { keepOfflinePage } from "soc/offline";
import { startSound } from "soc/sound";
import { startTileKeys, startTiles } from "soc/tiles";

startClock();
startDialogs();
startTiles();
startTileKeys({ "?": () => openDialog("keys-dialog") });
startOrders();
startSound();
startNews();
keepOfflinePage();
