/** The same in Node, where a bundle may also be a folder or a zip on disk. */

import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

import { safe } from "./bundle/names.js";
import type { Source } from "./bundle/sources.js";
import { BundleNotFound } from "./errors.js";
import { load as loadAnywhere, type LoadOptions } from "./index.js";
import type { Place } from "./loading.js";
import type { Model } from "./model.js";

export * from "./index.js";

/**
 * Open a bundle.
 *
 * @param place A path, a `file:` address, or whatever the browser's `load` takes.
 * @throws What the browser's `load` throws; BundleNotFound where there is nothing.
 */
export async function load(place: Place, options: LoadOptions = {}): Promise<Model> {
  return loadAnywhere(await onDisk(place), options);
}

async function onDisk(place: Place): Promise<Place> {
  const local = place instanceof URL && place.protocol === "file:" ? fileURLToPath(place) : place;
  if (typeof local !== "string" || /^(https?|data|blob):/.test(local)) return local;
  const path = local.startsWith("file:") ? fileURLToPath(local) : local;
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new BundleNotFound(`There is no bundle at ${path}`);
  return found.isDirectory() ? folder(path) : new Uint8Array(await readFile(path));
}

async function folder(path: string): Promise<Source> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)).replaceAll(sep, "/"));
  const there = new Set(names);
  return {
    names,
    read: async (name) => (there.has(name) ? readFile(join(path, safe(name))) : undefined),
  };
}
