/**
 * The columns of a table, and the way between named values and rows. A row is float32 [columns]:
 * first every number, NaN where it is missing, then the code of every category, -1 where it is
 * missing or unknown. Graphs take the two parts as `x` and `codes`.
 */

import { distinct, get, numbers, optional, strings, typed } from "../bundle/json.js";
import { CONVERT, FormatError, InputError } from "../errors.js";
import { floats, type NdArray } from "./arrays.js";

/** One column. */
export interface Column {
  readonly name: string;
  readonly kind: "number" | "category" | "boolean";
  /** Those of a category or boolean, in the order of their codes. */
  readonly categories: readonly string[];
  readonly unit: string;
  /** Words for a missing value besides the usual ones. */
  readonly missing: readonly string[];
  /** The least and the largest number of the training rows. */
  readonly range?: readonly [number, number];
}

/** A value of a table; null, undefined, NaN and words such as "NA" stand for a missing one. */
export type Cell = number | string | boolean | null | undefined;

/** Rows as mappings, or each column's values by its name. */
export type Table =
  readonly Readonly<Record<string, Cell>>[] | Readonly<Record<string, readonly Cell[]>>;

/** The unit of numbers that are dates. */
export const DATE = "days since 1970-01-01";

const UNKNOWN = -1;
const DAY = 24 * 3600 * 1000;
const MISSING = new Set([
  "",
  "#N/A",
  "N/A",
  "n/a",
  "NA",
  "<NA>",
  "NULL",
  "null",
  "NaN",
  "nan",
  "None",
]);
const WHOLE = /^([+-]?[0-9]+)\.0*$/;
const NUMBER = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i;

/** The field `columns`; raises FormatError. */
export function parseColumns(entries: readonly unknown[]): Column[] {
  const columns = entries.map(parseColumn);
  distinct(
    columns.map((column) => column.name),
    "the column",
  );
  if (columns.slice(numberCount(columns)).some((column) => column.kind === "number")) {
    throw new FormatError("A number comes after a category in columns", "numbers first", CONVERT);
  }
  return columns;
}

function parseColumn(value: unknown): Column {
  const table = typed(value, "object", "columns");
  const kind = get(table, "kind", "string");
  if (kind !== "number" && kind !== "category" && kind !== "boolean") {
    throw new FormatError(`A column has the kind ${kind}`, "number, category or boolean", CONVERT);
  }
  const range = table["range"] ? numbers(table, "range") : [];
  return {
    name: get(table, "name", "string"),
    kind,
    categories: kind === "number" ? [] : strings(table, "categories"),
    unit: optional(table, "unit", "string") ?? "",
    missing: table["missing"] ? strings(table, "missing") : [],
    ...(range.length >= 2 && { range: [range[0] ?? 0, range[1] ?? 0] as const }),
  };
}

/** How many columns are numbers; they come first. */
export function numberCount(columns: readonly Column[]): number {
  return columns.filter((column) => column.kind === "number").length;
}

/** Named values as rows, float32 [n, columns]; further names are passed over. */
export function rowsOf(table: Table, columns: readonly Column[]): NdArray<Float32Array> {
  const names = columns.map((column) => column.name);
  const there = Array.isArray(table)
    ? [...new Set(table.flatMap(Object.keys))]
    : Object.keys(table);
  const lacking = names.filter((name) => !there.includes(name));
  const read = Array.isArray(table)
    ? (row: number, name: string): Cell => (table as readonly Record<string, Cell>[])[row]?.[name]
    : (row: number, name: string): Cell => (table as Record<string, readonly Cell[]>)[name]?.[row];
  const lengths = Array.isArray(table)
    ? [table.length]
    : names.map((name) => (table as Record<string, readonly Cell[]>)[name]?.length ?? 0);
  const count = lengths[0] ?? 0;
  if (lacking.length && count) {
    const got = `a table without the column ${lacking.join(", ")}, only with ${there.join(", ")}`;
    throw new InputError("x", got, `the columns ${names.join(", ")}`);
  }
  if (lengths.some((length) => length !== count)) {
    throw new InputError("x", "a table whose columns differ in length", "columns of equal length");
  }
  const data = new Float32Array(count * columns.length);
  for (let row = 0; row < count; row++) {
    columns.forEach((column, at) => {
      data[row * columns.length + at] = encoded(read(row, column.name), column, row);
    });
  }
  return floats(data, [count, columns.length]);
}

function encoded(cell: Cell, column: Column, row: number): number {
  const word = worded(cell);
  const gap = MISSING.has(word) || column.missing.includes(word);
  const place = `x[${row}].${column.name}`;
  if (column.kind === "number") {
    const value = gap ? Number.NaN : column.unit === DATE ? days(word) : numeric(word);
    if (value !== undefined && !(Math.abs(value) > 3.4028234663852886e38)) return value;
    const want = column.unit === DATE ? "a date such as 2024-05-31" : "a number or a missing value";
    throw new InputError(place, JSON.stringify(cell), want);
  }
  const wanted = column.kind === "boolean" ? truth(word) : word;
  const code = column.categories.indexOf(wanted);
  if (column.kind === "boolean" && code < 0 && !gap) {
    throw new InputError(place, JSON.stringify(cell), "true, false or a missing value");
  }
  return code; // -1 where it is missing or unknown
}

/** A value as the word that names a category: 1.0 is 1, as in columns that have gaps. */
function worded(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  return String(cell).trim().replace(WHOLE, "$1");
}

function truth(word: string): string {
  const lower = word.toLowerCase();
  return { "0": "false", "1": "true" }[lower] ?? lower;
}

function numeric(word: string): number | undefined {
  return NUMBER.test(word) ? Number(word) : undefined;
}

function days(word: string): number | undefined {
  const date = /^\d{4}-\d{2}-\d{2}$/.test(word) ? `${word}T00:00:00Z` : word;
  const time = /^\d{4}-/.test(word)
    ? Date.parse(/T.*(Z|[+-]\d\d:?\d\d)$/.test(date) ? date : `${date}Z`)
    : NaN;
  return Number.isNaN(time) ? numeric(word) : time / DAY;
}

/** Rows as the typed tensors that graphs take. */
export function split(
  rows: NdArray<Float32Array>,
  columns: readonly Column[],
): Record<string, NdArray> {
  const [count, width] = [numberCount(columns), columns.length];
  const n = rows.shape[0] ?? 0;
  const tensors: Record<string, NdArray> = {};
  if (count) {
    const data = new Float32Array(n * count);
    for (let i = 0; i < data.length; i++) {
      data[i] = rows.data[Math.floor(i / count) * width + (i % count)] ?? 0;
    }
    tensors["x"] = { data, shape: [n, count] };
  }
  const rest = width - count;
  if (rest) {
    const data = new BigInt64Array(n * rest);
    for (let i = 0; i < data.length; i++) {
      const code = rows.data[Math.floor(i / rest) * width + count + (i % rest)] ?? UNKNOWN;
      data[i] = BigInt(Number.isNaN(code) ? UNKNOWN : code);
    }
    tensors["codes"] = { data, shape: [n, rest] };
  }
  return tensors;
}

/** A decoder's `x` and `code_probs` as rows: expected values, likeliest codes. */
export function wholeRows(
  outputs: Readonly<Record<string, NdArray<Float32Array>>>,
  columns: readonly Column[],
): NdArray<Float32Array> {
  const { x, code_probs: probs } = outputs;
  const [count, width] = [numberCount(columns), columns.length];
  const n = (x ?? probs)?.shape[0] ?? 0;
  const total = probs?.shape[1] ?? 0;
  const data = new Float32Array(n * width);
  for (let row = 0; row < n; row++) {
    for (let k = 0; k < count; k++) data[row * width + k] = x?.data[row * count + k] ?? NaN;
    let start = row * total;
    columns.slice(count).forEach((column, k) => {
      const block = probs?.data.subarray(start, start + column.categories.length);
      data[row * width + count + k] = block ? block.indexOf(Math.max(...block)) : UNKNOWN;
      start += column.categories.length;
    });
  }
  return { data, shape: [n, width] };
}

/** Rows as mappings of names to values; null where one is missing or unknown. */
export function named(
  rows: NdArray<Float32Array>,
  columns: readonly Column[],
): Record<string, number | string | boolean | null>[] {
  const width = columns.length;
  return Array.from({ length: rows.shape[0] ?? 0 }, (_, row) =>
    Object.fromEntries(
      columns.map((column, k) => [column.name, shown(rows.data[row * width + k] ?? NaN, column)]),
    ),
  );
}

function shown(value: number, column: Column): number | string | boolean | null {
  if (Number.isNaN(value) || (column.kind !== "number" && value < 0)) return null;
  if (column.kind === "number") {
    return column.unit === DATE ? new Date(value * DAY).toISOString().slice(0, 10) : value;
  }
  const word = column.categories[value] ?? null;
  return column.kind === "boolean" ? word === "true" : word;
}
