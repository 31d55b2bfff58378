/** Open a bundle with an engine that the caller brings. */

import { Bundle } from "./bundle/contents.js";
import { isZip, located, zipped, type Source } from "./bundle/sources.js";
import type { Engine } from "./engine.js";
import { FormatError, InputError } from "./errors.js";
import { Model, type ModelOptions } from "./model.js";

/** Where a bundle is: the address of a zip or folder, a zip's bytes, or what reads its files. */
export type Place = string | URL | ArrayBuffer | Uint8Array | Blob | Source;

/** Open a bundle; errors as of `load`. */
export async function open(place: Place, engine: Engine, options?: ModelOptions): Promise<Model> {
  return new Model(await Bundle.open(await sourceOf(place)), engine, options);
}

async function sourceOf(place: Place): Promise<Source> {
  if (typeof place === "string" || place instanceof URL) return located(address(place));
  if (place instanceof Blob) return zip(new Uint8Array(await place.arrayBuffer()));
  if (place instanceof ArrayBuffer) return zip(new Uint8Array(place));
  return place instanceof Uint8Array ? zip(place) : place;
}

function zip(bytes: Uint8Array): Source {
  if (isZip(bytes)) return zipped(bytes);
  throw new FormatError("These bytes are no bundle", "a zip of its files");
}

function address(place: string | URL): URL {
  const base = typeof document === "undefined" ? undefined : document.baseURI;
  if (URL.canParse(String(place), base)) return new URL(place, base);
  throw new InputError("place", JSON.stringify(place), "the address of a bundle");
}
