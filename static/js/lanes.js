/* What is recorded, as bars of grey: one lane a camera, the large one with its motion. */

import { say } from "soc/texts";
import { lengthInWords } from "soc/wall-time";

const LEAST_GAP_PX = 2; // a gap is never too short to be seen
const THIN_PX = 5;
const BETWEEN_PX = 2;
const NAMED_FROM_PX = 74;
const STILL = 1; // a level of 0 is not known, 1 is a still picture
const LEAST_LOUDEST = 24; // below this the picture's noise would fill the lane

/** `recordings` in the order of their tiles; times in ms. */
export function drawLanes(canvas, recordings, hero, from, to) {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  [canvas.width, canvas.height] = [width * ratio, height * ratio];
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const colours = coloursOf(canvas);
  const others = recordings.filter((recording) => recording !== hero);
  const tall = height - others.length * (THIN_PX + BETWEEN_PX);
  const x = (at) => ((at - from) / (to - from)) * width;
  if (hero) lane(pen, hero, { x, colours, top: 0, height: tall, width }, true);
  others.forEach((recording, row) => lane(pen, recording, { x, colours, top: tall + BETWEEN_PX + row * (THIN_PX + BETWEEN_PX), height: THIN_PX, width }, false));
}

function coloursOf(canvas) {
  const style = getComputedStyle(canvas);
  const token = (name) => style.getPropertyValue(name).trim();
  return { none: token("--surface-2"), video: token("--lane"), hatch: token("--line-strong"), motion: token("--text-1"), text: token("--text-2"), back: token("--surface-0"), font: style.fontFamily };
}

function lane(pen, recording, { x, colours, top, height, width }, named) {
  const { spans, gaps, motion } = recording.coverage;
  pen.fillStyle = colours.none;
  pen.fillRect(0, top, width, height);
  pen.fillStyle = colours.video;
  for (const span of spans) pen.fillRect(x(span.from), top, x(span.to) - x(span.from), height);
  if (named && motion) bars(pen, motion, { x, colours, top, height, width });
  for (const gap of gaps) hole(pen, gap, { x, colours, top, height, width }, named);
}

function bars(pen, { step_s, runs }, { x, colours, top, height, width }) {
  const loudest = new Uint8Array(Math.ceil(width) + 1);
  for (const { from, levels } of runs) {
    const begins = Date.parse(from);
    levels.forEach((level, i) => {
      const [first, last] = [x(begins + i * step_s * 1000), x(begins + (i + 1) * step_s * 1000)].map(Math.floor);
      for (let px = Math.max(0, first); px <= Math.min(width, Math.max(first, last - 1)); px += 1) loudest[px] = Math.max(loudest[px], level);
    });
  }
  const most = Math.max(LEAST_LOUDEST, ...loudest);
  pen.fillStyle = colours.motion;
  loudest.forEach((level, px) => {
    const tall = Math.round((Math.max(0, level - STILL) / most) * (height - 2));
    if (tall) pen.fillRect(px, top + height - 1 - tall, 1, tall);
  });
}

function hole(pen, gap, { x, colours, top, height, width }, named) {
  const left = Math.max(0, x(gap.from));
  const right = Math.min(width, Math.max(x(gap.to), x(gap.from) + LEAST_GAP_PX));
  if (right <= left) return;
  pen.fillStyle = colours.back;
  pen.fillRect(left, top, right - left, height);
  hatch(pen, left, right, top, height, colours.hatch, gap.code === "deleted" ? 12 : 6);
  if (named && right - left > NAMED_FROM_PX) name(pen, gap, (left + right) / 2, top + height / 2, right - left, colours);
}

function hatch(pen, left, right, top, height, colour, apart) {
  pen.save();
  pen.beginPath();
  pen.rect(left, top, right - left, height);
  pen.clip();
  pen.strokeStyle = colour;
  pen.globalAlpha = 0.55;
  pen.lineWidth = 1;
  pen.beginPath();
  for (let at = left - height - ((left - height) % apart); at < right; at += apart) {
    pen.moveTo(at, top + height);
    pen.lineTo(at + height, top);
  }
  pen.stroke();
  pen.restore();
}

function name(pen, gap, x, y, room, colours) {
  const words = gap.code === "deleted" ? say("past.deleted_short") : gap.begins && gap.ends ? say("past.gap_short", { length: lengthInWords(gap.to - gap.from) }) : say("past.nothing");
  pen.font = `11px ${colours.font}`;
  const width = pen.measureText(words).width + 10;
  if (width > room) return;
  pen.fillStyle = colours.back;
  pen.fillRect(x - width / 2, y - 8, width, 16);
  pen.fillStyle = colours.text;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(words, x, y + 0.5);
}
