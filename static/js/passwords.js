/* Each password can be looked at while it is typed; a new one is told how hard it is to guess.
   Nothing of it leaves the browser before the form is sent: the lists come here. */

const SHORTEST = 12;
const tools = document.querySelector("[data-password-tools]");

function load(address) {
  return new Promise((done, fail) => {
    const script = Object.assign(document.createElement("script"), { src: address, onload: done, onerror: fail });
    document.head.append(script);
  });
}

let judge;

/* The lists are 1.7 MB: they are fetched when somebody begins to write a new password. */
async function wakeJudge() {
  await Promise.all(tools.dataset.lists.split(" ").map(load));
  const { core, "language-common": common, "language-en": english } = window.zxcvbnts;
  return new core.ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
  });
}

function partOf(name) {
  return tools.content.querySelector(`[data-${name}]`).cloneNode(true);
}

function letLook(field) {
  const row = Object.assign(document.createElement("span"), { className: "password-row" });
  const button = partOf("look");
  field.replaceWith(row);
  row.append(field, button);
  button.setAttribute("aria-controls", field.id);
  button.setAttribute("aria-label", `${button.textContent} – ${field.labels[0]?.textContent ?? ""}`);
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  };
  button.addEventListener("click", () => show(field.type === "password"));
  field.form?.addEventListener("submit", () => show(false)); // browsers keep no password as a text once typed
  return row;
}

function measure(field, row) {
  const strength = partOf("strength");
  const words = strength.querySelector("[role=status]");
  row.after(strength);
  async function tell() {
    judge ??= wakeJudge();
    const { score } = (await judge).check(field.value.slice(0, 72));
    const how = field.value.length < SHORTEST ? "short" : String(score);
    strength.dataset.score = field.value ? (how === "short" ? "0" : how) : "";
    words.textContent = field.value ? words.dataset[`how${how[0].toUpperCase()}${how.slice(1)}`] : "";
  }
  field.addEventListener("focus", () => (judge ??= wakeJudge()), { once: true });
  field.addEventListener("input", tell);
}

if (tools) {
  for (const field of document.querySelectorAll("input[type=password]")) {
    const focused = document.activeElement === field;
    const row = letLook(field);
    if (field.autocomplete === "new-password" && !field.name.endsWith("2")) measure(field, row);
    if (focused) field.focus();
  }
}
