import { say } from "soc/texts";

/** Behind `words` on what this browser cannot play: a button. Converting costs the centre, so it is asked for. */
export function offerConverted(words, convert) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = say("tile.convert");
  button.dataset.convert = "";
  button.addEventListener("click", convert);
  words.append(" ", button);
}

/** As people call it. */
export const codecName = (codec) => (/^(hvc1|hev1)/.test(codec) ? "H.265" : codec);
