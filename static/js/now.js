/* The centre's time, on a screen whose own clock is wrong too. */

const NEAR_MS = 2_000; // what the way of a page may take; a clock that is that good is left alone

const [page] = performance.getEntriesByType("navigation");
const told = Number(document.documentElement.dataset.now) * 1000;
const behind = told - (Date.now() - performance.now() + page.responseStart);
const correction = Math.abs(behind) < NEAR_MS ? 0 : behind;

export const cityNow = () => Date.now() + correction;
