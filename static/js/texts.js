const catalogue = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");

/** The words for `key` in the page's language, with {names} filled in. */
export function say(key, values = {}) {
  return (catalogue[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** One decimal below ten seconds, whole seconds above. */
export function seconds(value) {
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}
