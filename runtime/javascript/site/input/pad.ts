/** A pad to draw on: by finger, pen, mouse or keys. */

import { el } from "../dom.js";
import type { Pixels } from "./resample.js";

const SIDE = 280;
const THIN = 0.03;
const STEP = SIDE / 28;
const KEPT = 20; // strokes that can be taken back

/** A pad. */
export interface Pad {
  readonly element: HTMLCanvasElement;
  /** The drawing's ink, from 0 to 1. */
  drawing(): Pixels;
  /** Show a picture, which the next stroke wipes off. */
  show(picture: CanvasImageSource): void;
  clear(): void;
  undo(): void;
  /** The width of the brush as a share of the pad's. */
  brush: number;
}

/** A pad of a form that calls `drawn` whenever its drawing changes. */
export function drawingPad(ratio: number, bright: boolean, drawn: () => void): Pad {
  const [width, height] =
    ratio >= 1 ? [SIDE, Math.round(SIDE / ratio)] : [Math.round(SIDE * ratio), SIDE];
  const element = el("canvas", {
    class: "pad",
    width,
    height,
    tabindex: 0,
    role: "application",
    "aria-label": "Drawing pad",
    "aria-describedby": "pad-help",
  });
  const [ink, paper] = bright ? ["#fff", "#000"] : ["#000", "#fff"];
  const brush = element.getContext("2d", { willReadFrequently: true });
  if (!brush) throw new Error("this browser has no canvas");
  const history: ImageData[] = [];
  let [down, shown, size, x, y] = [false, false, 0.09, width / 2, height / 2];

  const wipe = (): void => {
    brush.fillStyle = paper;
    brush.fillRect(0, 0, width, height);
    shown = false;
  };
  const begin = (): void => {
    if (shown) wipe();
    history.push(brush.getImageData(0, 0, width, height));
    if (history.length > KEPT) history.shift();
  };
  const draw = (toX: number, toY: number): void => {
    brush.strokeStyle = ink;
    brush.lineCap = brush.lineJoin = "round";
    brush.lineWidth = Math.max(size, THIN) * Math.min(width, height);
    brush.beginPath();
    brush.moveTo(x, y);
    brush.lineTo(toX, toY + 0.01);
    brush.stroke();
    [x, y] = [toX, toY];
    drawn();
  };
  const place = (event: PointerEvent): [number, number] => {
    const box = element.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * width,
      ((event.clientY - box.top) / box.height) * height,
    ];
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    element.focus({ preventScroll: true });
    element.setPointerCapture(event.pointerId);
    begin();
    down = true;
    [x, y] = place(event);
    draw(x, y);
  });
  element.addEventListener("pointermove", (event) => {
    if (!down) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) draw(...place(each));
  });
  for (const name of ["pointerup", "pointercancel"]) {
    element.addEventListener(name, () => (down = false));
  }
  element.addEventListener("keydown", (event) => {
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-STEP, 0],
      ArrowRight: [STEP, 0],
      ArrowUp: [0, -STEP],
      ArrowDown: [0, STEP],
    };
    const move = moves[event.key];
    if (move) {
      event.preventDefault();
      const [toX, toY] = [clamped(x + move[0], width), clamped(y + move[1], height)];
      if (!event.shiftKey) draw(toX, toY);
      else [x, y] = [toX, toY];
    } else if (event.key === " ") {
      event.preventDefault();
      begin();
      draw(x, y);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      pad.clear();
    }
  });

  const pad: Pad = {
    element,
    drawing: () => inkOf(brush.getImageData(0, 0, width, height), bright),
    show: (picture) => {
      brush.imageSmoothingEnabled = false;
      brush.drawImage(picture, 0, 0, width, height);
      history.length = 0;
      shown = true;
    },
    clear: () => {
      wipe();
      history.length = 0;
      [x, y] = [width / 2, height / 2];
      drawn();
    },
    undo: () => {
      const last = history.pop();
      if (last) brush.putImageData(last, 0, 0);
      drawn();
    },
    get brush() {
      return size;
    },
    set brush(value) {
      size = value;
    },
  };
  wipe();
  return pad;
}

function clamped(value: number, side: number): number {
  return Math.min(Math.max(value, 0), side);
}

function inkOf({ data, width, height }: ImageData, bright: boolean): Pixels {
  const ink = new Float32Array(width * height);
  for (let i = 0; i < ink.length; i++) {
    const level = (data[4 * i] ?? 0) / 255;
    ink[i] = bright ? level : 1 - level;
  }
  return { data: ink, width, height, channels: 1 };
}
