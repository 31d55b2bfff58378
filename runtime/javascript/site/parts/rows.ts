/** Rows as people look at them: pictures, curves, or values by name. */

import type { Context } from "../context.js";
import { el } from "../dom.js";
import { named } from "../../src/rows/columns.js";
import { floats } from "../../src/rows/arrays.js";

/** Something that shows one row. */
export interface RowView {
  readonly element: HTMLElement;
  show(values: ArrayLike<number>): void;
}

/** A view of rows; `name` is what screen readers call it. */
export function rowView(context: Context, name: string): RowView {
  if (context.kind === "picture") return pictureView(context, name);
  return context.kind === "series" ? curveView(context, name) : valuesView(context, name);
}

function pictureView({ shape, range }: Context, name: string): RowView {
  const [height = 1, width = 1] = shape;
  const canvas = el("canvas", { class: "picture", width, height, role: "img", "aria-label": name });
  return { element: canvas, show: (values) => paint(canvas, values, shape, range) };
}

/** Paint a row [height, width(, 3)] pixel by pixel. */
export function paint(
  canvas: HTMLCanvasElement,
  values: ArrayLike<number>,
  shape: readonly number[],
  [low, high]: readonly [number, number],
): void {
  const [height = 1, width = 1, colours = 1] = shape;
  const image = new ImageData(width, height);
  const level = (i: number): number => (((values[i] ?? 0) - low) / (high - low || 1)) * 255;
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = level(colours === 3 ? 3 * i + c : i);
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d", { willReadFrequently: true })?.putImageData(image, 0, 0);
}

const SVG = "http://www.w3.org/2000/svg";
const [WIDE, HIGH] = [240, 120];

/** Curves of a row [channels, time], which ends where NaN begins. */
function curveView({ shape, range }: Context, name: string): RowView {
  const [channels = 1, time = 1] = shape;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDE} ${HIGH}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const paths = Array.from({ length: channels }, (_, channel) => {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", `curve curve-${channel % 6}`);
    svg.append(path);
    return path;
  });
  const element = el("div", { class: "curves", role: "img", "aria-label": name });
  element.append(svg);
  const show = (values: ArrayLike<number>): void => {
    paths.forEach((path, channel) =>
      path.setAttribute("d", curve(values, channel * time, time, range)),
    );
  };
  return { element, show };
}

function curve(
  values: ArrayLike<number>,
  start: number,
  time: number,
  [low, high]: readonly [number, number],
): string {
  const points: string[] = [];
  for (let t = 0; t < time; t++) {
    const value = values[start + t] ?? Number.NaN;
    if (Number.isNaN(value)) break;
    const x = (t / Math.max(time - 1, 1)) * WIDE;
    const y = HIGH - 6 - ((value - low) / (high - low || 1)) * (HIGH - 12);
    points.push(`${x.toFixed(1)} ${y.toFixed(1)}`);
  }
  return points.length ? `M${points.join("L")}` : "";
}

function valuesView(context: Context, name: string): RowView {
  const list = el("dl", { class: "values", "aria-label": name });
  const show = (values: ArrayLike<number>): void => {
    const entries = cells(context, values).map(([key, value]) =>
      el("div", {}, el("dt", { text: key }), el("dd", { text: value })),
    );
    list.replaceChildren(...entries);
  };
  return { element: list, show };
}

/** A row's values by their names, as text. */
export function cells(
  context: Context,
  values: ArrayLike<number>,
): [name: string, value: string][] {
  const { columns } = context.about;
  if (!columns.length) return names(context).map((key, i) => [key, digits(values[i] ?? NaN)]);
  const [row = {}] = named(floats(Float32Array.from(values), [1, columns.length]), columns);
  return Object.entries(row).map(([key, value]) => [
    key,
    value === null ? "–" : typeof value === "number" ? digits(value) : String(value),
  ]);
}

/** The names of a row's values. */
export function names({ about, shape }: Context): readonly string[] {
  if (about.columns.length) return about.columns.map((column) => column.name);
  if (about.features.length) return about.features;
  return Array.from({ length: shape[0] ?? 0 }, (_, i) => `value ${i + 1}`);
}

/** A number with the digits that people read. */
export function digits(value: number): string {
  if (Number.isNaN(value)) return "–";
  if (Math.abs(value) >= 1000) return value.toLocaleString("en", { maximumFractionDigits: 0 });
  return String(Number(value.toPrecision(3)));
}
