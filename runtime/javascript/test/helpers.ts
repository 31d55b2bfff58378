/** Bundles of the repository, and arrays next to one another. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { zipSync } from "fflate";

import type { NdArray, Nested } from "../src/index.js";
import { flattened } from "../src/rows/arrays.js";

export const TESTS = join(process.cwd(), "../../tests");

/** The path of a checked-in bundle. */
export const bundle = (name: string): string => join(TESTS, `${name}.ssdgm`);

/** The files of a bundle by name. */
export function files(name: string): Record<string, Uint8Array> {
  const root = bundle(name);
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const paths = entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name));
  return Object.fromEntries(
    paths.map((path) => [path.slice(root.length + 1), new Uint8Array(readFileSync(path))]),
  );
}

/** A bundle as a zip. */
export const zip = (contents: Record<string, Uint8Array>): Uint8Array => zipSync(contents);

/** Two arrays have one shape and agree within a tolerance, relative above one. */
export function close(here: NdArray | undefined, there: Nested, atol = 1e-4): void {
  assert.ok(here);
  const wanted = flattened(there, "wanted");
  assert.deepEqual([...here.shape], [...wanted.shape]);
  wanted.data.forEach((value, i) => {
    const gap = Math.abs(Number(here.data[i]) - value);
    assert.ok(gap <= atol * Math.max(1, Math.abs(value)), `${i}: ${here.data[i]} for ${value}`);
  });
}
