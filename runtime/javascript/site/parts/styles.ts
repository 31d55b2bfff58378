/**
 * The style of what is generated: the numbers that its noise is made of, of which the page shows
 * those that move rows most. A model without z has a style in its decoder's own noise.
 */

import type { Labels } from "../../src/labels/space.js";
import { Stream } from "../../src/noise/streams.js";
import { floats, volume } from "../../src/rows/arrays.js";
import type { Context } from "../context.js";

/** A space of styles. */
export interface Styles {
  /** How many numbers a style has. */
  readonly width: number;
  /** The places of those numbers that move rows, the one that moves them most first. */
  readonly strongest: readonly number[];
  /** The expected rows of labels and styles: float32, one row after another. */
  rows(y: Labels | undefined, styles: readonly Float32Array[]): Promise<Float32Array>;
  /** The style of the first row that a seed generates. */
  drawn(seed: number): Float32Array;
}

const MOVE = 2; // how far a number is moved to see what it does
const TESTED = 128;
const LEAST = 0.02; // of the strongest: below it a number does nothing to see

/** The styles of a bundle that generates; undefined where nothing is random in it. */
export async function stylesOf(context: Context): Promise<Styles | undefined> {
  const [tensor] = context.model.noises;
  if (!context.can("generate") || !tensor) return undefined;
  const width = volume(tensor.row);
  const rows = async (
    y: Labels | undefined,
    styles: readonly Float32Array[],
  ): Promise<Float32Array> => {
    const data = new Float32Array(styles.length * width);
    styles.forEach((style, i) => data.set(style, i * width));
    const noise = {
      [tensor.name]: floats(data, [styles.length, ...tensor.row]),
      ...still(context, styles.length),
    };
    const repeated = y === undefined ? undefined : each(context, y, styles.length);
    const samples = await context.model.generate(repeated, repeated ? 1 : styles.length, {
      seed: 0,
      noise,
    });
    return samples.x.data;
  };
  const drawn = (seed: number): Float32Array => new Stream(seed, tensor.name).normal(width);
  return { width, strongest: await strongest(rows, width, context), rows, drawn };
}

/** One label for each of `n` rows: a single one for all, or as many as there are. */
function each(context: Context, y: Labels, n: number): Labels {
  const labels = context.model.space.read(y);
  return labels.shape[0] === n ? labels : context.model.space.read(repeatedRow(labels.data, n));
}

function repeatedRow(row: Float32Array, n: number): number[][] {
  return Array.from({ length: n }, () => [...row]);
}

/** All other noise is zero, the mean path. */
function still(context: Context, n: number): Record<string, ReturnType<typeof floats>> {
  const others = context.model.noises.slice(1);
  return Object.fromEntries(
    others.map(({ name, row }) => [name, floats(new Float32Array(n * volume(row)), [n, ...row])]),
  );
}

/** Move each number on its own, and order them by how far rows go. */
async function strongest(rows: Styles["rows"], width: number, context: Context): Promise<number[]> {
  const tested = Math.min(width, TESTED);
  const styles = Array.from({ length: 2 * tested }, (_, i) => {
    const style = new Float32Array(width);
    style[i >> 1] = i % 2 ? MOVE : -MOVE;
    return style;
  });
  const space = context.model.space;
  const takes = [context.about.graphs.get("prior"), context.about.graphs.get("decoder")].some(
    (graph) => graph?.inputs.some((input) => input.name === "y"),
  );
  const y = takes ? (space.name === "numbers" ? [[...space.means]] : [0]) : undefined;
  const x = await rows(y, styles);
  const size = x.length / styles.length;
  const moved = Array.from({ length: tested }, (_, k) => {
    let sum = 0;
    for (let i = 0; i < size; i++)
      sum += ((x[(2 * k + 1) * size + i] ?? 0) - (x[2 * k * size + i] ?? 0)) ** 2;
    return sum;
  });
  const most = Math.max(...moved);
  const order = [...moved.keys()].sort((a, b) => (moved[b] ?? 0) - (moved[a] ?? 0));
  return order.filter((k, i) => i < 2 || (moved[k] ?? 0) > LEAST * most);
}
