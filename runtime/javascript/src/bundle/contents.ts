/**
 * An open bundle. `SHA256SUMS` lists every file and is the root of trust; its own digest is the
 * bundle's id. A file is hashed whenever it is read, so the bytes that are used are those listed.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

import { AGAIN, FormatError, IntegrityError } from "../errors.js";
import { typed } from "./json.js";
import { parse, type Manifest } from "./manifest.js";
import { cut, distinctNames, FILES, safe } from "./names.js";
import type { Source } from "./sources.js";

const [MANIFEST, SUMS] = ["manifest.json", "SHA256SUMS"];
const MANIFEST_BYTES = 4 * 2 ** 20;
const LINE = /^([0-9a-f]{64}) {2}(.+)$/;

/** A bundle's manifest and its files. */
export class Bundle {
  /**
   * @param id The SHA-256 of its SHA256SUMS, in hexadecimal.
   * @param manifest What it says of itself.
   * @param digests Each listed file's SHA-256, by relative name.
   */
  private constructor(
    readonly id: string,
    readonly manifest: Manifest,
    readonly digests: ReadonlyMap<string, string>,
    private readonly source: Source,
  ) {}

  /**
   * Open a bundle; FORMAT.md has what is refused.
   *
   * @throws FormatError, UnsupportedVersion, IntegrityError
   */
  static async open(source: Source): Promise<Bundle> {
    if (!(await source.read(MANIFEST))) {
      const inner = source.names?.some((name) => name.endsWith(`/${MANIFEST}`));
      const mend = inner
        ? "Zip the files inside the folder, not the folder."
        : "Give the address of the folder NAME.ssdgm, or a zip of its files.";
      throw new FormatError(`There is no bundle: no ${MANIFEST} at the root`, "", mend);
    }
    const sums = await source.read(SUMS);
    if (!sums) throw new IntegrityError(`${SUMS} is missing from the bundle`, "", AGAIN);
    const digests = parseSums(sums);
    const bytes = await listed(source, digests, MANIFEST);
    if (bytes.length > MANIFEST_BYTES) {
      throw new FormatError(`${MANIFEST} has ${bytes.length} bytes`, "at most 4 MiB");
    }
    const bundle = new Bundle(hash(sums), parse(document(bytes)), digests, source);
    bundle.#look();
    return bundle;
  }

  /** The bytes of a listed file, hashed now; raises IntegrityError. */
  read(name: string): Promise<Uint8Array> {
    return listed(this.source, this.digests, name);
  }

  /** Hash every listed file; raises IntegrityError. */
  async check(): Promise<void> {
    for (const name of this.digests.keys()) await this.read(name);
  }

  /** Refuse graphs that are not listed, and, where files can be listed, missing and extra ones. */
  #look(): void {
    for (const variant of this.manifest.variants) {
      if (!this.digests.has(safe(variant.path))) throw unlisted(variant.path);
    }
    const names = this.source.names;
    if (!names) return;
    const there = new Set(names);
    for (const name of names) {
      if (/^(models|golden)\//.test(name) && !this.digests.has(name)) throw unlisted(name);
    }
    for (const name of this.digests.keys()) if (!there.has(name)) throw missing(name);
  }
}

async function listed(
  source: Source,
  digests: ReadonlyMap<string, string>,
  name: string,
): Promise<Uint8Array> {
  const wanted = digests.get(name);
  if (wanted === undefined) throw unlisted(name);
  const bytes = await source.read(name);
  if (!bytes) throw missing(name);
  if (hash(bytes) === wanted) return bytes;
  throw new IntegrityError(`${cut(name)} differs from its digest in ${SUMS}`, "", AGAIN);
}

function document(bytes: Uint8Array): Record<string, unknown> {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return typed(JSON.parse(text) as unknown, "object", MANIFEST);
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(`${MANIFEST} is no JSON`, "", AGAIN, { cause: error });
  }
}

function parseSums(bytes: Uint8Array): Map<string, string> {
  const lines = new TextDecoder().decode(bytes).split("\n");
  const rest = lines.pop();
  const pairs = lines.map((line, i): [string, string] => {
    const [, digest, name] = LINE.exec(line) ?? [];
    if (digest === undefined || name === undefined) throw badSums(i + 1);
    return [safe(name), digest];
  });
  if (rest !== "" || pairs.length > FILES) throw badSums(lines.length + 1);
  distinctNames(pairs.map(([name]) => name));
  return new Map(pairs);
}

function badSums(line: number): IntegrityError {
  const want = "<64 hexadecimal digits>  <relative name>";
  return new IntegrityError(`Line ${line} of ${SUMS} cannot be read`, want, AGAIN);
}

function unlisted(name: string): IntegrityError {
  return new IntegrityError(`${cut(name)} is not listed in ${SUMS}`, "", AGAIN);
}

function missing(name: string): IntegrityError {
  return new IntegrityError(`${cut(name)} is missing from the bundle`, "", AGAIN);
}

function hash(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes));
}
