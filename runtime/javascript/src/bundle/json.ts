/** Fields of a JSON document, each of the type that the format asks for. */

import { CONVERT, FormatError } from "../errors.js";

export type Json = { readonly [key: string]: unknown };

interface Kinds {
  string: string;
  number: number;
  boolean: boolean;
  object: Json;
  list: readonly unknown[];
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "list";
  return value === null ? "null" : typeof value;
}

/** A value of a type, or FormatError. */
export function typed<K extends keyof Kinds>(value: unknown, kind: K, place: string): Kinds[K] {
  if (kindOf(value) === kind) return value as Kinds[K];
  throw new FormatError(`${place} of the manifest is a ${kindOf(value)}`, `a ${kind}`, CONVERT);
}

/** A field that must be there. */
export function get<K extends keyof Kinds>(table: Json, key: string, kind: K): Kinds[K] {
  if (table[key] === undefined || table[key] === null) {
    throw new FormatError(`The manifest has no field ${key}`, `a ${kind}`, CONVERT);
  }
  return typed(table[key], kind, key);
}

/** A field that may be absent or null. */
export function optional<K extends keyof Kinds>(
  table: Json,
  key: string,
  kind: K,
): Kinds[K] | undefined {
  const value = table[key];
  return value === undefined || value === null ? undefined : typed(value, kind, key);
}

/** A list of strings, of numbers, or of either. */
export function strings(table: Json, key: string): string[] {
  return get(table, key, "list").map((entry) => typed(entry, "string", key));
}

export function numbers(table: Json, key: string): number[] {
  return get(table, key, "list").map((entry) => typed(entry, "number", key));
}

/** Refuse a name that is there twice. */
export function distinct(names: readonly unknown[], what: string): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new FormatError(`The manifest has ${what} ${String(twice)} twice`, "", CONVERT);
  }
}
