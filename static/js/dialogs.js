/* <button data-opens="id"> opens the dialog of that id; data-closes closes the one it is in. */

export function startDialogs() {
  document.addEventListener("click", ({ target }) => {
    const opener = target.closest("[data-opens]");
    if (opener) openDialog(opener.dataset.opens, opener.dataset);
    if (target.closest("[data-closes]")) target.closest("dialog").close();
    if (target.matches("dialog[open]")) target.close();
  });
}

/** Opens a dialog and fills its fields by name from `values`. */
export function openDialog(id, values = {}) {
  const dialog = document.getElementById(id);
  for (const [name, value] of Object.entries(values)) {
    const field = dialog.querySelector(`[name="${CSS.escape(name)}"]`);
    if (field) field.value = value;
    const words = dialog.querySelector(`[data-fill="${CSS.escape(name)}"]`);
    if (words) words.textContent = value;
  }
  dialog.showModal();
  return dialog;
}
