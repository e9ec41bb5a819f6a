/* A refreshed part of the page changes only where it differs: video plays on, focus and typing stay. */

import { Idiomorph } from "idiomorph";

const ALIVE = "camera-tile, recorded-tile, city-map, dialog[open], [data-alive]";

function quietly(target, fresh) {
  const changed = [];
  Idiomorph.morph(target, fresh, {
    morphStyle: "innerHTML",
    ignoreActiveValue: true,
    callbacks: {
      beforeNodeMorphed(old, now) {
        if (old.nodeType !== Node.ELEMENT_NODE) return true;
        if (old.dataset.version && old.dataset.version !== now.dataset?.version) changed.push(old);
        return !(old.matches(ALIVE) && now.matches?.(ALIVE));
      },
      afterNodeAdded(node) {
        if (node.nodeType === Node.ELEMENT_NODE && node.dataset.version) changed.push(node);
      },
    },
  });
  return changed;
}

export function glow(element) {
  element.classList.add("just-changed");
  element.addEventListener("animationend", () => element.classList.remove("just-changed"), { once: true });
}

export function startRefresh() {
  htmx.defineExtension("quiet", {
    isInlineSwap: () => false,
    handleSwap(style, target, fragment) {
      if (style !== "quiet") return false;
      const first = !target.dataset.filled;
      target.dataset.filled = "yes";
      const changed = quietly(target, [...fragment.childNodes]);
      if (!first) changed.forEach(glow);
      document.body.dispatchEvent(new CustomEvent("page:refreshed", { detail: { target, changed } }));
      return [target];
    },
  });
}
