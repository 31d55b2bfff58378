/** The input of windows: curves that a finger, the mouse or the keyboard pulls up and down. */

import { rowFrom, type Context } from "../context.js";
import { button, el } from "../dom.js";
import { digits, rowView } from "../parts/rows.js";

const REACH = 0.06; // how far a pull reaches, as a share of the time

/** The curves; whatever becomes of them becomes the context's row. */
export function curveInput(context: Context): HTMLElement {
  const {
    about,
    range: [low, high],
  } = context;
  const [channels = 1, time = 1] = context.shape;
  const view = rowView(context, "The window");
  const values = new Float32Array(channels * time);
  const state = { channel: 0, time: Math.floor(time / 2), down: false };
  const cursor = el("div", { class: "cursor" });
  const place = el(
    "div",
    {
      class: "curve-input",
      tabindex: 0,
      role: "slider",
      "aria-label":
        "Window; up and down pull the curve where the cursor is, left and right move it",
      "aria-valuemin": low,
      "aria-valuemax": high,
    },
    view.element,
    cursor,
  );

  const show = (): void => {
    view.show(values);
    cursor.style.insetInlineStart = `${(100 * state.time) / Math.max(time - 1, 1)}%`;
    const value = values[state.channel * time + state.time] ?? 0;
    place.setAttribute("aria-valuenow", String(value));
    place.setAttribute("aria-valuetext", `moment ${state.time + 1} of ${time}: ${digits(value)}`);
  };
  const changed = (): void => {
    show();
    context.row.set({ x: rowFrom(context.model, values), source: "curve" });
  };
  const pull = (to: number): void => {
    const start = state.channel * time;
    const by = to - (values[start + state.time] ?? 0);
    for (let t = 0; t < time; t++) {
      const far = (t - state.time) / (REACH * time);
      values[start + t] = (values[start + t] ?? 0) + by * Math.exp(-0.5 * far * far);
    }
    changed();
  };
  const point = (event: PointerEvent): void => {
    const box = place.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    if (!state.down) return;
    state.time = Math.round(share * (time - 1));
    const up = 1 - (event.clientY - box.top) / box.height;
    pull(low + Math.min(Math.max(up, 0), 1) * (high - low));
  };
  place.addEventListener("pointerdown", (event) => {
    place.setPointerCapture(event.pointerId);
    state.down = true;
    point(event);
  });
  place.addEventListener("pointermove", point);
  place.addEventListener("pointerup", () => (state.down = false));
  place.addEventListener("keydown", (event) => {
    const moves: Record<string, () => void> = {
      ArrowLeft: () => (state.time = Math.max(0, state.time - 1)),
      ArrowRight: () => (state.time = Math.min(time - 1, state.time + 1)),
      ArrowUp: () => pull((values[state.channel * time + state.time] ?? 0) + (high - low) / 40),
      ArrowDown: () => pull((values[state.channel * time + state.time] ?? 0) - (high - low) / 40),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    move();
    show();
  });
  context.row.watch(({ x, source }) => {
    if (source === "curve") return;
    values.set(Float32Array.from(x.data as ArrayLike<number>, Number));
    show();
  });
  const example = (): void => {
    const at = Math.floor(Math.random() * (context.examples.shape[0] ?? 1));
    const row = context.examples.data.subarray(at * values.length, (at + 1) * values.length);
    context.row.set({ x: rowFrom(context.model, row), source: "made" });
  };
  const buttons = el(
    "div",
    { class: "buttons" },
    button("Show me one", example, { class: "main" }),
  );
  if (channels > 1) {
    const options = Array.from({ length: channels }, (_, i) =>
      el("option", { text: about.channels[i] ?? `channel ${i + 1}` }),
    );
    const select = el("select", { "aria-label": "Curve to pull" }, ...options);
    select.addEventListener("change", () => (state.channel = select.selectedIndex));
    buttons.append(select);
  }
  return el(
    "div",
    { class: "input" },
    place,
    el("p", { class: "hint", text: "Pull the curve, or use the arrow keys." }),
    buttons,
  );
}
