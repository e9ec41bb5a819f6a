import "soc/camera-tile";
import "soc/city-map";
import { startClock } from "soc/clock";
import { startNews } from "soc/live";
import { keepOfflinePage } from "soc/offline";
import { startRefresh } from "soc/refresh";
import { startSound } from "soc/sound";
import { startOrders } from "soc/clips";

startRefresh();
startClock();
startOrders();
startSound();
startNews();
keepOfflinePage();
