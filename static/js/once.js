/* A hand that clicks twice sends a form once. */

const AGAIN_AFTER_MS = 4_000; // a file that is handed over leaves the page standing, and it may be wanted twice
const sent = new WeakMap();

// On the window: whatever sends a form by itself has said so before.
addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (performance.now() - (sent.get(form) ?? -AGAIN_AFTER_MS) < AGAIN_AFTER_MS) return event.preventDefault();
  sent.set(form, performance.now());
});
