/* Which picture is large. */

const pictures = () => [...document.querySelectorAll(".tiles .tile[data-slot]")];

function enlarge(tile) {
  for (const other of pictures()) other.classList.toggle("is-hero", other === tile);
}

export function chooseTile(slot) {
  const tile = pictures().find((one) => one.dataset.slot === slot);
  if (!tile) return;
  enlarge(tile);
  tile.focus({ preventScroll: true });
}

export function fillScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.querySelector(".tile.is-hero")?.requestFullscreen();
}

/** Digits choose the large tile, f fills the screen with it; `more` by key. */
export function startTileKeys(more = {}) {
  const acts = { f: fillScreen, ...more };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input, textarea, select")) return;
    if (/^[1-9]$/.test(event.key)) chooseTile(event.key);
    else acts[event.key]?.();
  });
}

/** A page may be left without a large tile when the cameras changed under it. */
function keepOneHero() {
  const tiles = pictures();
  if (tiles.length && !tiles.some((tile) => tile.classList.contains("is-hero"))) enlarge(tiles[0]);
}

export function startTiles() {
  document.addEventListener("click", ({ target }) => {
    const tile = target.closest(".tile[data-slot]");
    if (tile && pictures().includes(tile)) enlarge(tile);
  });
  document.body.addEventListener("page:refreshed", keepOneHero);
}
