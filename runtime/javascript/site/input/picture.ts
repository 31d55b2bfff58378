/** The input of models of pictures: draw, drop, paste, take, or ask for one. */

import { rowFrom, type Context } from "../context.js";
import { button, el, latest, report, slider, tick } from "../dom.js";
import { paint } from "../parts/rows.js";
import { drawingPad } from "./pad.js";
import { acceptDrops, cameraButton, greyed, pictureOf } from "./pictures.js";
import { fitted, type Pixels } from "./resample.js";
import { border, habitsOf, settled } from "./strokes.js";

const DRAWN = 64; // pixels a side, up to which grey pictures are taken for drawings

/** The controls; whatever they make becomes the context's row. */
export function pictureInput(context: Context): HTMLElement {
  const {
    shape,
    range: [low, high],
  } = context;
  const [height = 1, width = 1, colours = 1] = shape;
  const draws = colours === 1 && Math.max(width, height) <= DRAWN;
  const habits = habitsOf(context);
  const settings = { centred: draws, ink: draws };
  let seen: Pixels | undefined;

  const give = (levels: Float32Array, source: string): void => {
    context.row.set({
      x: rowFrom(
        context.model,
        levels.map((v) => low + v * (high - low)),
      ),
      source,
    });
  };
  const drawn = latest(async () => {
    await new Promise(requestAnimationFrame);
    const ink = settled(pad.drawing(), habits, width, height, settings.centred);
    give(
      ink.map((v) => (habits.bright ? v : 1 - v)),
      "drawn",
    );
  });
  const pad = drawingPad(width / height, habits.bright, drawn);
  const preview = el("canvas", {
    class: "picture preview",
    width,
    height,
    role: "img",
    "aria-label": "What the model sees",
  });

  const given = (picture: Pixels): void => {
    seen = picture;
    const grey = colours === 1 ? greyed(picture) : picture;
    const made = fitted(grey, context.about.input.resize.split(" ")[0] || "crop", width, height);
    const levels = made.data.map((v) => Math.min(Math.max(v / 255, 0), 1));
    give(
      settings.ink && colours === 1 ? inked(levels, habits.bright, width, height) : levels,
      "picture",
    );
  };
  const example = (): void => {
    const n = context.examples.shape[0] ?? 1;
    const [at, size] = [Math.floor(Math.random() * n), width * height * colours];
    context.row.set({
      x: rowFrom(context.model, context.examples.data.subarray(at * size, (at + 1) * size)),
      source: "made",
    });
  };
  const again = (): void => {
    const { source } = context.row.get();
    if (source === "drawn") drawn();
    else if (source === "picture" && seen) given(seen);
  };
  context.row.watch(({ x, source }) => {
    paint(preview, Float32Array.from(x.data as ArrayLike<number>, Number), shape, context.range);
    if (source !== "drawn") pad.show(preview);
  });

  const file = el("input", {
    type: "file",
    accept: "image/*",
    class: "hidden-input",
    id: "picture-file",
  });
  const take = (blob: Blob): void => void pictureOf(blob).then(given, report);
  file.addEventListener("change", () => file.files?.[0] && take(file.files[0]));
  const camera = cameraButton(given);
  const echo = el("p", { class: "echo", "aria-hidden": "true" });
  context.said.watch((word) => (echo.textContent = word));
  const element = el("div", { class: "input" });
  acceptDrops(element, take);
  element.append(
    el(
      "div",
      { class: "pad-row" },
      pad.element,
      el(
        "figure",
        { class: "seen" },
        preview,
        el("figcaption", { text: `What the model sees: ${width} × ${height}` }),
        echo,
      ),
    ),
    el("p", {
      id: "pad-help",
      class: "hint",
      text: draws
        ? "Draw, or drop or paste a picture. With the keyboard: arrows draw, Shift and arrows move, Delete clears."
        : "Drop or paste a picture, choose a file, or use the camera.",
    }),
    el(
      "div",
      { class: "buttons" },
      button("Clear", () => pad.clear(), { class: "main" }),
      button("Undo", () => pad.undo()),
      button("Show me one", example),
      el("label", { class: "button", for: file.id, text: "File" }),
      file,
      ...(camera ? [camera.element] : []),
    ),
  );
  if (draws) {
    const brush = slider(
      "Brush",
      { min: 0.04, max: 0.16, step: 0.01, value: pad.brush },
      (v) => (pad.brush = v),
      (v) => `${Math.round(100 * v)} %`,
    );
    element.append(
      el(
        "details",
        {},
        el("summary", { text: "Options" }),
        brush.element,
        tick("Scale and centre as the training pictures are", true, (on) => {
          settings.centred = on;
          again();
        }),
        tick("Photos show ink on paper", true, (on) => {
          settings.ink = on;
          again();
        }),
      ),
    );
  }
  return element;
}

/** A photo of ink on paper as the set has it: its levels stretched, and turned where need be. */
function inked(levels: Float32Array, bright: boolean, width: number, height: number): Float32Array {
  const sorted = levels.toSorted();
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const [low, high] = [at(0.02), at(0.98)];
  const stretched = levels.map((v) => Math.min(Math.max((v - low) / (high - low || 1), 0), 1));
  const turned = border(stretched, width, height) > 0.5 === bright;
  return turned ? stretched.map((v) => 1 - v) : stretched;
}
