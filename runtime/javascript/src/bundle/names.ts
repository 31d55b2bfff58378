/** Names of a bundle's files. */

import { AGAIN, IntegrityError } from "../errors.js";

/** The most files that a bundle may have. */
export const FILES = 4096;

const [LENGTH, DEPTH] = [1024, 32];
const PLAIN = /^[ -~]+$/; // printable ASCII
const SPECIAL = /[\\:*?"<>|]/;

/** A relative name that means the same file, inside the bundle, on every system. */
export function safe(name: string): string {
  const parts = name.split("/");
  const plain = PLAIN.test(name) && !SPECIAL.test(name);
  const short = name.length <= LENGTH && parts.length <= DEPTH;
  if (plain && short && !parts.some((part) => ["", ".", ".."].includes(part))) return name;
  throw new IntegrityError(
    `The bundle names a file ${JSON.stringify(cut(name))}`,
    "a relative name inside the bundle, of plain ASCII, with forward slashes",
    "Do not use this bundle unless you know who made it.",
  );
}

/** A name as a message has it, long ones shortened. */
export function cut(name: string): string {
  return name.length <= 120 ? name : `${name.slice(0, 100)}... (${name.length} characters)`;
}

/** Refuse two names that are one file where case does not count. */
export function distinctNames(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    const folded = name.toLowerCase();
    if (seen.has(folded)) {
      throw new IntegrityError(`The bundle has ${cut(name)} twice`, "each name once", AGAIN);
    }
    seen.add(folded);
  }
}
