/* What the desk is about is in the address, so that going back, reloading and sending a link all work.
   Links marked data-desk change the address and let the parts refresh themselves. */

import { openDialog } from "soc/dialogs";

const SLOTS = 5;

export function moveTo(address) {
  history.pushState({}, "", address);
  document.body.dispatchEvent(new CustomEvent("desk:moved"));
}

export const currentIncident = () => new URLSearchParams(location.search).get("incident");

function openCamera({ id, number, place }) {
  const incident = currentIncident();
  if (!incident) return openDialog("camera-dialog", { camera: id, number, place: place ?? "" });
  const address = new URLSearchParams(location.search);
  const others = address.getAll("camera").filter((other) => other !== String(id));
  address.delete("camera");
  for (const camera of [...others, id].slice(-(SLOTS - 1))) address.append("camera", camera);
  return moveTo(`?${address}`);
}

export function toggleDrawer(open = !document.body.classList.contains("drawer-open")) {
  document.body.classList.toggle("drawer-open", open);
  document.getElementById("drawer-opener")?.setAttribute("aria-expanded", String(open));
}

/** On a wide desk the details stand in their column; nothing is open that could be closed. */
export function drawerIsOpen() {
  const opener = document.getElementById("drawer-opener");
  return Boolean(opener?.checkVisibility()) && document.body.classList.contains("drawer-open");
}

/** On a narrow desk a call that nobody has taken shows its details, where the buttons are. */
function showWhatWaits() {
  const row = document.getElementById(`row-${currentIncident()}`);
  toggleDrawer(row?.dataset.state === "reported");
}

function onClick(event) {
  const found = event.target.closest("a[data-camera-id]");
  const link = event.target.closest("a[data-desk]");
  if (event.target.closest("[data-drawer]")) toggleDrawer();
  if (event.ctrlKey || event.metaKey || event.shiftKey || !(found || link)) return;
  event.preventDefault();
  document.getElementById("found").replaceChildren();
  if (found) openCamera({ id: found.dataset.cameraId, number: found.dataset.number, place: found.dataset.place });
  else moveTo(link.href);
}

function onSubmit(event) {
  if (!event.target.matches("[data-desk-form]")) return;
  event.preventDefault();
  moveTo(`?${new URLSearchParams(new FormData(event.target))}`);
  event.target.closest("dialog").close();
}

export function startDesk() {
  document.addEventListener("click", onClick);
  document.addEventListener("submit", onSubmit);
  document.addEventListener("camera:asked", ({ detail }) => openCamera(detail));
  document.body.addEventListener("htmx:afterRequest", ({ detail, target }) => {
    if (target.matches?.("[data-closes-when-sent]") && detail.xhr.status) target.closest("dialog").close();
  });
  document.body.addEventListener("desk:moved", showWhatWaits);
  showWhatWaits();
  addEventListener("popstate", () => document.body.dispatchEvent(new CustomEvent("desk:moved")));
}
