/* Pages at a desk need no more than the clock. */

import { startClock } from "soc/clock";

startClock();
