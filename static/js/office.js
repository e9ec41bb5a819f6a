/* Pages at a desk: the clock, and on a narrow screen the reader's place in the row of pages. */

import { startClock } from "soc/clock";

startClock();
document.querySelector(".office-nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
