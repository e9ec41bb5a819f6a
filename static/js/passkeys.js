/* A passkey that did not come is said on the page, not to the console alone. */

const IMPOSSIBLE_HERE = ["SecurityError", "TypeError", "NotSupportedError"];

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const why = IMPOSSIBLE_HERE.includes(event.detail.exception.name) ? "place" : "refused";
  for (const words of document.querySelectorAll("[data-passkey]")) words.hidden = words.dataset.passkey !== why;
});
