import "soc/camera-tile";
import "soc/city-map";
import "soc/clips";
import { startClock } from "soc/clock";
import { startNews } from "soc/live";
import { startRefresh } from "soc/refresh";
import { startSound } from "soc/sound";
import { startOrders } from "soc/clips";

startRefresh();
startClock();
startOrders();
startSound();
startNews();
