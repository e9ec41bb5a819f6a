/* The public check: the file is read here, and only its fingerprint and its seal are sent. */

const form = document.querySelector("[data-verify]");
const words = form.dataset;

function problem(text) {
  const place = form.querySelector("[data-problem]");
  place.hidden = !text;
  place.querySelector("span").textContent = text;
}

function progress(percent) {
  const place = form.querySelector("[data-progress]");
  place.hidden = percent === null;
  place.querySelector("progress").value = percent ?? 0;
  place.querySelector("span").textContent = words.reading.replace("{n}", percent);
}

/** What the file says about itself; rejects when it cannot be read. */
function evidenceOf(file) {
  const worker = new Worker(words.worker, { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onerror = reject;
    worker.onmessage = ({ data }) => {
      if (data.failed) reject(new Error(data.failed));
      else if (data.evidence) resolve(data.evidence);
      else progress(data.percent);
    };
    worker.postMessage({ file, hashes: words.hashes, sealType: words.sealType });
  }).finally(() => worker.terminate());
}

async function ask(evidence) {
  const answer = await fetch(words.check, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(evidence),
  });
  if (!answer.ok) throw new Error(answer.statusText);
  const place = document.querySelector("[data-finding]");
  place.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.children);
  place.firstElementChild.focus();
}

async function check() {
  problem("");
  document.querySelector("[data-finding]").replaceChildren();
  const evidence = await evidenceOf(form.elements.file.files[0]).catch(() => problem(words.failed));
  progress(null);
  if (evidence) await ask(evidence).catch(() => problem(words.unanswered));
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  await check();
  button.disabled = false;
});
form.querySelector("[data-local]").hidden = false;
form.querySelector("[data-sent]").hidden = true;
