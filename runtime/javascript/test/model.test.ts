/** What bundles give here is what Python gives. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { load, type Model } from "../src/node.js";
import { floats } from "../src/rows/arrays.js";
import answers from "./data/answers.json" with { type: "json" };
import { bundle, close } from "./helpers.js";

interface Known {
  readonly y: number[][];
  readonly z: number[][];
  readonly x: number[][];
  readonly drawn: number[][];
  readonly warm: number[][];
  readonly mean?: number[][];
  readonly scale?: number[][];
  readonly again?: number[][];
  readonly score?: number[];
  readonly probs?: number[][];
}

for (const [name, given] of Object.entries(answers)) {
  const known = given as unknown as Known;
  test(`${name} gives what Python gives`, async () => {
    const model = await load(bundle(name));
    const report = await model.verify({ digests: true });
    assert.ok(report.passed, JSON.stringify(report.checks));
    await generates(model, known);
    await answersRows(model, known);
    await model.close();
  });
}

async function generates(model: Model, known: Known): Promise<void> {
  const samples = await model.generate(undefined, 6, { seed: 3 });
  close(samples.y, known.y, 1e-6);
  assert.equal(samples.z.shape[0], known.z.length);
  if (known.z[0]?.length) close(samples.z, known.z, 1e-5);
  close(samples.x, known.x);
  close((await model.generate(undefined, 6, { seed: 3, sample: true })).x, known.drawn);
  close((await model.generate(undefined, 3, { seed: 5, temperature: 1.5 })).x, known.warm);
}

async function answersRows(model: Model, known: Known): Promise<void> {
  const rows = (await model.generate(undefined, 6, { seed: 3 })).asInput();
  if (known.mean && known.scale && known.again) {
    const latent = await model.encode(rows);
    close(latent.mean, known.mean);
    close(latent.scale, known.scale);
    close(await model.reconstruct(rows), known.again);
  }
  if (known.probs) close(await model.predictProba(rows), known.probs);
  if (known.score) close(floats((await model.score(rows)).score, [6]), known.score);
}

test("a bundle without noise to draw has golden rows, too", async () => {
  for (const name of ["runtime/data/tiny", "runtime/data/watchful"]) {
    const model = await load(bundle(name));
    assert.ok((await model.verify()).passed);
  }
});

test("rows are computed alike in pieces and whole", async () => {
  const [whole, pieces] = await Promise.all([
    load(bundle("golden/m2-tiny")),
    load(bundle("golden/m2-tiny"), { maxBatch: 2 }),
  ]);
  const { x } = await whole.generate(["3", "8"], 4, { seed: 0 });
  const rows = (await pieces.generate(["3", "8"], 4, { seed: 0 })).asInput();
  close(floats(Float32Array.from(rows.data as Uint8Array), rows.shape), nested(x.data, 8), 0.51);
  const [a, b] = [await whole.classify(rows), await pieces.classify(rows)];
  assert.ok(a.space === "classes" && b.space === "classes");
  assert.deepEqual(a.labels, b.labels);
  assert.equal(a.names[0], whole.labels[a.labels[0] ?? -1]);
  assert.equal(a.top(3)[0]?.length, 3);
});

function nested(values: Float32Array, side: number): number[][][] {
  const size = side * side;
  return Array.from({ length: values.length / size }, (_, n) =>
    Array.from({ length: side }, (_, row) => [
      ...values.subarray(n * size + row * side, n * size + (row + 1) * side),
    ]),
  );
}

test("answers say what their labels are", async () => {
  const tagged = await load(bundle("runtime/data/tagged"));
  const tags = await tagged.classify([[0, 0, 0]]);
  assert.ok(tags.space === "tags" && tags.labels[0]?.length === 3);
  assert.equal((await tagged.generate(new Set(["red", "ripe"]), 2)).y.data.join(), "1,0,1,1,0,1");
  const measured = await load(bundle("runtime/data/measured"));
  const numbers = await measured.classify([[0, 0, 0]]);
  assert.ok(numbers.space === "numbers" && numbers.mean.shape.join() === "1,2");
  await assert.rejects(measured.predictProba([[0, 0, 0]]), { name: "TaskUnavailable" });
  const watchful = await load(bundle("runtime/data/watchful"));
  const verdict = await watchful.classify([
    [0, 0, 0],
    [9, 9, 9],
  ]);
  assert.ok(verdict.space === "one-class" && verdict.names.length === 2);
  assert.deepEqual(watchful.tasks, ["classify", "score"]);
  const { rank } = await watchful.score([[9, 9, 9]]);
  assert.equal(rank[0], verdict.rank[1]);
  assert.ok(rank[0] !== undefined && rank[0] >= 0 && rank[0] <= 1);
});
