/** The streams are numpy's, number by number. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { crc32, seedOf, Stream } from "../src/noise/streams.js";
import streams from "./data/streams.json" with { type: "json" };

const TAIL = 3.654; // from here on numbers are logarithms, whose last bit C libraries differ in

const bytes = (values: Float32Array | Float64Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

for (const known of streams) {
  test(`stream ${known.name} of seed ${known.seed} is numpy's`, () => {
    const normal = new Stream(BigInt(known.seed), known.name).normal(100_000);
    assert.deepEqual([...normal.subarray(0, 8)], known.normal);
    assert.equal(crc32(bytes(normal.filter((value) => Math.abs(value) < TAIL))), known.inner);
    const outer = [...normal].filter((value) => Math.abs(value) >= TAIL);
    assert.equal(outer.length, known.outer.length);
    outer.forEach((value, i) => assert.ok(Math.abs(value - (known.outer[i] ?? 0)) < 5e-7));
    const uniform = new Stream(BigInt(known.seed), known.name).uniform(1000);
    assert.deepEqual([...uniform.subarray(0, 8)], known.uniform);
    assert.equal(crc32(bytes(uniform)), known.uniforms);
  });
}

test("numbers are the same however they are dealt", () => {
  const [whole, parts] = [new Stream(1, "z"), new Stream(1, "z")];
  assert.deepEqual([...whole.normal(9)], [...parts.normal(4), ...parts.normal(5)]);
});

test("a seed is a whole number from 0", () => {
  assert.equal(seedOf(2n ** 63n - 1n), 2n ** 63n - 1n);
  const fresh = seedOf(undefined);
  assert.ok(Number.isSafeInteger(fresh) && Number(fresh) < 2 ** 48);
  for (const seed of [-1, 0.5, 2 ** 60, 2n ** 63n, Number.NaN]) {
    assert.throws(() => seedOf(seed), { name: "InputError", argument: "seed" });
  }
});
