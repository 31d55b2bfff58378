/** The fourth panel: a flight through the plane of the two strongest numbers of the style. */

import type { Context } from "../context.js";
import { el, latest } from "../dom.js";
import { picker } from "./labels.js";
import { paint, rowView } from "./rows.js";
import type { Styles } from "./styles.js";

const [EDGE, STEP] = [3, 0.1]; // standard deviations
const CELLS: Readonly<Record<string, number>> = { picture: 13, series: 5 };
const GAP = 14; // a gap between pictures is one of so many parts of them
const PIECE = 39; // rows that are computed before the page may answer again

/** Fill the panel. */
export function planePanel(context: Context, styles: Styles, place: HTMLElement): void {
  const [right = 0, up = right] = styles.strongest;
  const cells = CELLS[context.kind] ?? 7;
  const at = { x: 0, y: 0, flying: 0 };
  const choice = picker(context, () => changed());
  const large = rowView(context, "The row at the cursor");
  const map = atlas(context, cells);
  const cursor = el("div", { class: "cross", "aria-hidden": "true" });
  const plane = el(
    "div",
    {
      class: `plane of-${context.kind}`,
      tabindex: 0,
      role: "application",
      "aria-label": "Latent plane: arrow keys fly",
    },
    map.element,
    cursor,
  );
  const where = el("p", { class: "hint", "aria-live": "off" });
  const control = el("button", {
    type: "button",
    class: "main",
    text: "Fly",
    "aria-pressed": "false",
  });

  const styleAt = (x: number, y: number): Float32Array => {
    const style = new Float32Array(styles.width);
    style[right] = x;
    style[up] = y;
    return style;
  };
  const one = latest(async () => {
    large.show(await styles.rows(choice.label(), [styleAt(at.x, at.y)]));
  });
  const every = latest(async () => {
    const label = choice.label();
    const places = Array.from({ length: cells * cells }, (_, i) => {
      const [column, line] = [i % cells, Math.floor(i / cells)];
      const to = (k: number): number => ((k + 0.5) / cells) * 2 * EDGE - EDGE;
      return styleAt(to(column), -to(line));
    });
    for (let start = 0; start < places.length; start += PIECE) {
      map.show(start, await styles.rows(label, places.slice(start, start + PIECE)));
      await new Promise((resolve) => setTimeout(resolve));
    }
  });
  const changed = (): void => {
    one();
    every();
  };
  const move = (x: number, y: number): void => {
    at.x = Math.min(Math.max(x, -EDGE), EDGE);
    at.y = Math.min(Math.max(y, -EDGE), EDGE);
    cursor.style.insetInlineStart = `${(100 * (at.x + EDGE)) / (2 * EDGE)}%`;
    cursor.style.top = `${(100 * (EDGE - at.y)) / (2 * EDGE)}%`;
    where.textContent = `Style 1 at ${at.x.toFixed(1)}, style 2 at ${at.y.toFixed(1)} standard deviations`;
    one();
  };
  const stop = (): void => {
    cancelAnimationFrame(at.flying);
    at.flying = 0;
    control.textContent = "Fly";
    control.setAttribute("aria-pressed", "false");
  };
  const fly = (start: number): void => {
    const frame = (now: number): void => {
      const t = (now - start) / 1000;
      move(2.4 * Math.sin(0.42 * t), 2.4 * Math.sin(0.31 * t));
      at.flying = requestAnimationFrame(frame);
    };
    at.flying = requestAnimationFrame(frame);
    control.textContent = "Land";
    control.setAttribute("aria-pressed", "true");
  };
  control.addEventListener("click", () => (at.flying ? stop() : fly(performance.now())));
  steered(plane, at, stop, move);
  place.append(
    choice.element,
    el(
      "div",
      { class: "two" },
      el("div", {}, plane, where),
      el(
        "div",
        { class: "styled" },
        el("div", { class: "large" }, large.element),
        el("div", { class: "buttons" }, control),
        el("p", {
          class: "hint",
          text: "Drag across the plane, or use the arrow keys. The class stays; the style changes.",
        }),
      ),
    ),
  );
  move(0, 0);
  whenSeen(plane, every);
}

/** Pointer and keys. */
function steered(
  plane: HTMLElement,
  at: { readonly x: number; readonly y: number },
  stop: () => void,
  move: (x: number, y: number) => void,
): void {
  const point = (event: PointerEvent): void => {
    const box = plane.getBoundingClientRect();
    const share = (value: number, size: number): number => (value / size) * 2 * EDGE - EDGE;
    move(share(event.clientX - box.left, box.width), -share(event.clientY - box.top, box.height));
  };
  plane.addEventListener("pointerdown", (event) => {
    stop();
    plane.setPointerCapture(event.pointerId);
    point(event);
  });
  plane.addEventListener("pointermove", (event) => {
    if (plane.hasPointerCapture(event.pointerId)) point(event);
  });
  plane.addEventListener("keydown", (event) => {
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-STEP, 0],
      ArrowRight: [STEP, 0],
      ArrowUp: [0, STEP],
      ArrowDown: [0, -STEP],
    };
    const by = moves[event.key];
    if (!by) return;
    event.preventDefault();
    stop();
    move(at.x + by[0], at.y + by[1]);
  });
}

/** Do something once an element comes into sight. */
function whenSeen(element: HTMLElement, action: () => void): void {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      action();
    },
    { rootMargin: "200px" },
  );
  observer.observe(element);
}

interface Atlas {
  readonly element: HTMLElement;
  /** Show rows from a cell on. */
  show(start: number, values: Float32Array): void;
}

/** The plane's rows side by side. */
function atlas(context: Context, cells: number): Atlas {
  const { shape, range } = context;
  const [height = 1, width = 1] = shape;
  const size = shape.reduce((product, side) => product * side, 1);
  if (context.kind === "picture") {
    const gap = Math.max(1, Math.round(width / GAP));
    const [across, down] = [width + gap, height + gap];
    const whole = el("canvas", {
      class: "picture",
      width: cells * across,
      height: cells * down,
      "aria-hidden": "true",
    });
    const cell = el("canvas", { width, height });
    const show = (start: number, values: Float32Array): void => {
      for (let i = 0; i * size < values.length; i++) {
        paint(cell, values.subarray(i * size, (i + 1) * size), shape, range);
        const place = start + i;
        whole
          .getContext("2d")
          ?.drawImage(
            cell,
            (place % cells) * across + (gap >> 1),
            Math.floor(place / cells) * down + (gap >> 1),
          );
      }
    };
    return { element: whole, show };
  }
  const views = Array.from({ length: cells * cells }, () => rowView(context, ""));
  for (const view of views) view.element.setAttribute("aria-hidden", "true");
  const element = el("div", { class: "atlas" }, ...views.map((view) => view.element));
  const show = (start: number, values: Float32Array): void => {
    for (let i = 0; i * size < values.length; i++) {
      views[start + i]?.show(values.subarray(i * size, (i + 1) * size));
    }
  };
  return { element, show };
}
