/**
 * Drawings as the model knows them. Sets of drawn digits and letters scale and centre each one; how
 * is measured on pictures that the model makes, so that it holds for any set.
 */

import type { Context } from "../context.js";
import { resampled, type Pixels } from "./resample.js";

/** How drawings lie in a set's pictures. */
export interface Habits {
  /** Whether the ink is brighter than the paper. */
  readonly bright: boolean;
  /** The longer side of the ink's box, as a share of the picture's. */
  readonly extent: number;
  /** Where the ink's centre of mass lies, as shares of width and height. */
  readonly centre: readonly [number, number];
}

const INK = 0.25; // from here on a pixel belongs to the drawing

interface Lie {
  readonly box: readonly [left: number, top: number, right: number, bottom: number];
  readonly centre: readonly [number, number];
}

/** Where the ink of a picture lies; undefined where there is none. */
export function lieOf({ data, width, height }: Pixels): Lie | undefined {
  let [left, top, right, bottom, mass, x, y] = [width, height, 0, 0, 0, 0, 0];
  data.forEach((ink, i) => {
    const [column, line] = [i % width, Math.floor(i / width)];
    mass += ink;
    x += ink * (column + 0.5);
    y += ink * (line + 0.5);
    if (ink < INK) return;
    [left, top] = [Math.min(left, column), Math.min(top, line)];
    [right, bottom] = [Math.max(right, column + 1), Math.max(bottom, line + 1)];
  });
  return right > left
    ? { box: [left, top, right, bottom], centre: [x / mass, y / mass] }
    : undefined;
}

/** The habits of a set, measured on the examples. */
export function habitsOf({ examples, shape, range: [low, high] }: Context): Habits {
  const [height = 1, width = 1] = shape;
  const size = width * height;
  const rows = Math.floor(examples.data.length / size);
  const levels = examples.data.map((value) => (value - low) / (high - low || 1));
  const bright = border(levels, width, height) < 0.5;
  const lies = Array.from({ length: rows }, (_, row) => {
    const data = levels.subarray(row * size, (row + 1) * size).map((v) => (bright ? v : 1 - v));
    return lieOf({ data, width, height, channels: 1 });
  }).filter((lie) => lie !== undefined);
  const mean = (of: (lie: Lie) => number): number =>
    lies.reduce((sum, lie) => sum + of(lie), 0) / Math.max(lies.length, 1);
  return {
    bright,
    extent: mean(({ box: [l, t, r, b] }) => Math.max((r - l) / width, (b - t) / height)) || 0.75,
    centre: [
      mean(({ centre }) => centre[0] / width) || 0.5,
      mean(({ centre }) => centre[1] / height) || 0.5,
    ],
  };
}

/** The mean level of the outermost pixels of rows of pictures. */
export function border(levels: Float32Array, width: number, height: number): number {
  let [sum, count] = [0, 0];
  levels.forEach((level, i) => {
    const [x, y] = [i % width, Math.floor(i / width) % height];
    if (x > 0 && y > 0 && x < width - 1 && y < height - 1) return;
    sum += level;
    count++;
  });
  return sum / Math.max(count, 1);
}

/** A drawing, ink from 0 to 1, in a set's size: as it lies, or scaled and centred by the habits. */
export function settled(
  drawing: Pixels,
  habits: Habits,
  width: number,
  height: number,
  centred: boolean,
): Float32Array {
  const lie = lieOf(drawing);
  if (!lie) return new Float32Array(width * height);
  if (!centred)
    return ink(resampled(drawing, [0, 0, drawing.width, drawing.height], width, height));
  const [left, top, right, bottom] = lie.box;
  const wide = Math.max(right - left, ((bottom - top) * width) / height) / habits.extent;
  const high = (wide * height) / width;
  const frame = framed(
    drawing,
    Math.round(lie.centre[0] - habits.centre[0] * wide),
    Math.round(lie.centre[1] - habits.centre[1] * high),
    Math.max(1, Math.round(wide)),
    Math.max(1, Math.round(high)),
  );
  return ink(resampled(frame, [0, 0, frame.width, frame.height], width, height));
}

function ink({ data }: Pixels): Float32Array {
  return data.map((level) => Math.min(Math.max(level, 0), 1));
}

/** A part of a drawing, which may lie beyond its edges. */
function framed(drawing: Pixels, left: number, top: number, width: number, height: number): Pixels {
  const data = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const line = y + top;
    if (line < 0 || line >= drawing.height) continue;
    for (let x = 0; x < width; x++) {
      const column = x + left;
      if (column >= 0 && column < drawing.width) {
        data[y * width + x] = drawing.data[line * drawing.width + column] ?? 0;
      }
    }
  }
  return { data, width, height, channels: 1 };
}
