/** Does this bundle compute here what it computed where it was made? */

import type { Check, VerifyReport } from "./answers.js";
import type { Tensor } from "./bundle/manifest.js";
import type { Bound } from "./bundle/variants.js";
import type { Graphs } from "./engine.js";
import { FormatError } from "./errors.js";
import { dtypeOf, npy, part, type NdArray } from "./rows/arrays.js";

type Named = Record<string, NdArray>;

/** Run every graph's golden rows, all at once and the first alone. */
export async function verified(graphs: Graphs): Promise<VerifyReport> {
  const checks: Check[] = [];
  for (const component of graphs.bundle.manifest.graphs.keys()) {
    checks.push(await checked(graphs, component));
  }
  const passed = checks.every((check) => check.passed);
  return { passed, id: graphs.bundle.id, onnxruntime: graphs.version, checks };
}

/** A graph's golden inputs by name. */
export function goldenInputs(graphs: Graphs, component: string): Promise<Named> {
  return read(graphs, `golden/${component}`, graphs.graph(component, "verify").inputs);
}

async function checked(graphs: Graphs, component: string): Promise<Check> {
  const graph = graphs.graph(component, "verify");
  const variant = graphs.variant(component);
  const folder = `golden/${component}`;
  const feeds = await goldenInputs(graphs, component);
  const wanted = await read(graphs, `${folder}/${variant.precision}`, graph.outputs);
  const rows = Object.values(feeds)[0]?.shape[0] ?? 0;
  if (![...Object.values(feeds), ...Object.values(wanted)].every((a) => a.shape[0] === rows)) {
    throw new FormatError(`${component} has golden rows of different lengths`);
  }
  const here = await graphs.run(component, "verify", feeds);
  const alone = await graphs.run(component, "verify", first(feeds));
  let [maxAbs, worst, output] = [0, 0, ""];
  for (const { name } of graph.outputs) {
    const golden = wanted[name];
    if (!golden) continue;
    for (const [a, b] of [
      [here[name], golden],
      [alone[name], part(golden, 0, 1)],
    ] as const) {
      const [gap, share] = gaps(a, b, variant.bound(name));
      maxAbs = Math.max(maxAbs, gap);
      if (share > worst || !output) [worst, output] = [share, name];
    }
  }
  const space = graphs.bundle.manifest.space;
  const { atol, rtol } = variant.bound(space.mean);
  const disagreements =
    component === "classifier"
      ? space.differs(
          here,
          wanted as Record<string, NdArray<Float32Array>>,
          Math.max(...atol),
          rtol,
        )
      : [];
  return {
    component,
    variant: variant.name,
    precision: variant.precision,
    rows,
    output,
    maxAbs,
    worst,
    disagreements,
    passed: rows > 0 && !disagreements.length && worst <= 1,
  };
}

async function read(graphs: Graphs, folder: string, tensors: readonly Tensor[]): Promise<Named> {
  const arrays: Named = {};
  for (const tensor of tensors) {
    const name = `${folder}/${tensor.name}.npy`;
    const array = npy(await graphs.bundle.read(name), name);
    const fits = array.shape.slice(1).join() === tensor.row.join();
    const plain = tensor.dtype === "bool" ? "uint8" : tensor.dtype;
    if (!fits || dtypeOf(array.data) !== plain) {
      const found = `${name} is ${dtypeOf(array.data)} [${array.shape.join(", ")}]`;
      throw new FormatError(found, `${tensor.dtype} [n, ${tensor.row.join(", ")}]`);
    }
    arrays[tensor.name] = array;
  }
  return arrays;
}

function first(arrays: Named): Named {
  return Object.fromEntries(Object.entries(arrays).map(([name, a]) => [name, part(a, 0, 1)]));
}

/** The largest difference of two arrays, and the largest as a share of what is allowed. */
function gaps(a: NdArray | undefined, b: NdArray, { atol, rtol }: Bound): [number, number] {
  if (!a || a.shape.join() !== b.shape.join()) return [Infinity, Infinity];
  const width = b.data.length / Math.max(b.shape[0] ?? 1, 1);
  let [largest, worst] = [0, 0];
  b.data.forEach((golden: number | bigint, i: number) => {
    const wanted = Number(golden);
    const gap = Math.abs(Number(a.data[i] ?? 0) - wanted);
    const allowed = (atol[atol.length > 1 ? i % width : 0] ?? 0) + rtol * Math.abs(wanted);
    const share = gap === 0 ? 0 : Number.isFinite(gap) ? gap / allowed : Infinity;
    largest = Math.max(largest, Number.isFinite(gap) ? gap : Infinity);
    worst = Math.max(worst, share);
  });
  return [largest, worst];
}
