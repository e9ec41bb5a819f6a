/* Two short tones for a new urgent call. The browser lets a page sound only after a key or a click. */

import { say } from "soc/texts";

const KEY = "soc.sound";
let context;

export function alarm() {
  if (isMuted() || context?.state !== "running") return;
  [880, 660].forEach((pitch, i) => tone(pitch, context.currentTime + i * 0.16));
}

function tone(pitch, at) {
  const [voice, loudness] = [context.createOscillator(), context.createGain()];
  voice.frequency.value = pitch;
  loudness.gain.setValueAtTime(0, at);
  loudness.gain.linearRampToValueAtTime(0.22, at + 0.01);
  loudness.gain.exponentialRampToValueAtTime(0.001, at + 0.15);
  voice.connect(loudness).connect(context.destination);
  voice.start(at);
  voice.stop(at + 0.16);
}

const isMuted = () => localStorage.getItem(KEY) === "off";

function show(button) {
  const muted = isMuted();
  button.setAttribute("aria-pressed", String(!muted));
  button.title = say(muted ? "sound.off" : context ? "sound.on" : "sound.waiting");
  button.querySelector("[data-sound-on]").hidden = muted;
  button.querySelector("[data-sound-off]").hidden = !muted;
}

export function startSound() {
  const button = document.querySelector("[data-sound]");
  if (!button) return;
  const wake = () => {
    context ??= new AudioContext();
    show(button);
  };
  addEventListener("pointerdown", wake, { once: true });
  addEventListener("keydown", wake, { once: true });
  button.addEventListener("click", () => {
    localStorage.setItem(KEY, isMuted() ? "on" : "off");
    show(button);
    alarm();
  });
  show(button);
}
