/* Pages that may no longer be shown are asked for again: the centre answers with the sign-in, or the lock. */

const LEFT = "soc.left"; // noted by left.js

/** Not reload(): a page that answered a form would be sent anew. */
export const askAgain = () => location.replace(location.pathname + location.search);

/** Nothing stays on a screen after its session; nor does the browser give it back from its memory. */
export function watchOtherTabs() {
  addEventListener("storage", ({ key }) => key === LEFT && askAgain());
  addEventListener("pageshow", ({ persisted }) => persisted && askAgain());
}
