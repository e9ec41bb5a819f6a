/* Ordering a clip, and watching it being cut. */

import { say } from "soc/texts";

const LOOK_EVERY_MS = 1000;
const UNFINISHED = new Set(["queued", "cutting"]);

/** A clip on its way: asks how far it is, cancels it, and has the page refreshed when it is done. */
class ClipState extends HTMLElement {
  #timer;

  connectedCallback() {
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.addEventListener("click", this.#onClick);
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
    this.removeEventListener("click", this.#onClick);
  }

  connectedMoveCallback() {}

  async #look() {
    if (!UNFINISHED.has(this.dataset.state)) return clearInterval(this.#timer);
    const answer = await fetch(this.dataset.status).catch(() => null);
    if (!answer?.ok) return;
    const clip = await answer.json();
    if (!UNFINISHED.has(clip.state)) return refresh();
    this.querySelector("progress").value = clip.progress;
    const values = { percent: clip.progress, position: clip.position };
    this.querySelector("[data-words]").textContent = say(`clip.${clip.state}`, values);
  }

  #onClick = async ({ target }) => {
    const button = target.closest("[data-cancel]");
    if (!button) return;
    button.disabled = true;
    const options = { method: "DELETE", headers: { "X-CSRFToken": token() } };
    const answer = await fetch(this.dataset.status, options).catch(() => null);
    // 409: it was finished in the meantime, and the page shows it.
    if (answer?.ok || answer?.status === 409) return refresh();
    button.disabled = false;
    this.querySelector("[data-words]").textContent = say(answer ? "error.server" : "error.network");
  };
}

function refresh() {
  document.body.dispatchEvent(new CustomEvent("city:changed", { detail: { events: [] } }));
}

function token() {
  return JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
}

/** The first sentence in an answer that says what is wrong. */
function firstWords(body) {
  const words = body.detail ?? Object.values(body).flat()[0];
  return typeof words === "string" ? words : say("error.server");
}

async function order(form) {
  const asked = Object.fromEntries(new FormData(form));
  const body = {
    camera: Number(asked.camera),
    provision: Number(asked.provision),
    kind: asked.kind,
    // Without an offset a time is the city's own, summer time or not; the server knows which.
    from: asked.from,
    to: asked.to,
  };
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
    body: JSON.stringify(body),
  });
  if (answer.ok) return "";
  return answer.status >= 500 ? say("error.server") : firstWords(await answer.json());
}

async function onSubmit(event) {
  const form = event.target;
  if (!form.matches("[data-clip-order]")) return;
  event.preventDefault();
  const button = form.querySelector(".button-main");
  button.disabled = true;
  const problem = await order(form).catch(() => say("error.network"));
  button.disabled = false;
  const place = form.querySelector("[data-problem]");
  place.hidden = !problem;
  place.querySelector("span").textContent = problem ? say("clip.refused", { reason: problem }) : "";
  if (problem) return;
  form.closest("details")?.removeAttribute("open");
  form.closest("dialog")?.close();
  refresh();
}

export function startOrders() {
  document.addEventListener("submit", onSubmit);
}

customElements.define("clip-state", ClipState);
