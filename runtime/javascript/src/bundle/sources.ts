/** Where a bundle's files lie: a folder at an address, a zip in memory, or whatever reads them. */

import { unzipSync, type UnzipFileInfo } from "fflate";

import { AGAIN, BundleNotFound, IntegrityError } from "../errors.js";
import { cut, distinctNames, FILES, safe } from "./names.js";

/** The files of a bundle. */
export interface Source {
  /** The bytes of a file by its relative name; undefined where there is none. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** The names of all files, where they can be listed. */
  readonly names?: readonly string[];
}

/** The most bytes that a bundle may have. */
export const MAX_BYTES = 2 ** 31;

const [STORED, DEFLATED] = [0, 8];
const [RATIO, FREE] = [200, 64 * 2 ** 20];

/** Whether bytes begin as a zip does. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b;
}

/** A bundle as a zip: raises IntegrityError where it is damaged, or more than it should be. */
export function zipped(bytes: Uint8Array): Source {
  const names: string[] = [];
  let total = 0;
  const checked = (file: UnzipFileInfo): boolean => {
    const name = safe(file.name.replace(/\/$/, ""));
    names.push(name);
    total += file.originalSize;
    if (file.compression !== STORED && file.compression !== DEFLATED) {
      throw new IntegrityError(`${cut(name)} in the zip is compressed in an unusual way`);
    }
    if (names.length > FILES || total > Math.max(FREE, RATIO * bytes.length)) {
      const what = `The zip has ${names.length} files and ${total} bytes, more than it should`;
      throw new IntegrityError(what, "", AGAIN);
    }
    return !file.name.endsWith("/");
  };
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes, { filter: checked });
  } catch (error) {
    if (error instanceof IntegrityError) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    throw new IntegrityError(`The zip is damaged or cut short (${detail})`, "", AGAIN);
  }
  distinctNames(names);
  return {
    names: Object.keys(files),
    read: async (name) => (Object.hasOwn(files, name) ? files[name] : undefined),
  };
}

/** A bundle's folder at an address, whose files are fetched when they are needed. */
export function folder(address: URL): Source {
  const base = new URL(address.pathname.endsWith("/") ? address : `${address.href}/`);
  return { read: (name) => fetched(new URL(safe(name), base)) };
}

/** A bundle at an address: a zip, or the folder of its files. */
export async function located(address: URL): Promise<Source> {
  if (!address.pathname.endsWith("/")) {
    const bytes = await fetched(address);
    if (bytes && isZip(bytes)) return zipped(bytes);
  }
  return folder(address);
}

async function fetched(address: URL): Promise<Uint8Array | undefined> {
  let response: Response;
  try {
    response = await fetch(address);
  } catch (error) {
    const mend = "Check the address, and whether its server lets other sites read it (CORS).";
    throw new BundleNotFound(`${address.href} cannot be fetched`, "", mend, { cause: error });
  }
  if (response.status === 404) return undefined;
  if (!response.ok) {
    throw new BundleNotFound(`${address.href} cannot be fetched: status ${response.status}`);
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes.length <= MAX_BYTES) return bytes;
  throw new IntegrityError(`${address.href} has ${bytes.length} bytes`, `at most ${MAX_BYTES}`);
}
