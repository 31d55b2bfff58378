/** Rows as callers give them, checked before a graph sees them. */

import type { Manifest, Tensor } from "../bundle/manifest.js";
import { InputError } from "../errors.js";
import { dtypeOf, empty, flattened, isArray, LIMITS, volume } from "./arrays.js";
import type { NdArray, Nested } from "./arrays.js";
import { numberCount, rowsOf, type Cell, type Table } from "./columns.js";

/** Rows [n, ...]: an array, nested arrays, or, where values have names, rows or columns by name. */
export type Rows = NdArray | Nested | Table;

/**
 * Rows for a graph, of exactly the dtype and shape that is declared.
 *
 * @throws InputError The dtype or shape is another, a number is not finite, or a name lacks.
 */
export function taken(x: Rows, tensor: Tensor, about: Manifest): NdArray {
  const { columns, features } = about;
  const table = isTable(x);
  if (table && columns.length) return rowsOf(x as Table, columns);
  if (table && !features.length) {
    const want = "an array, because this bundle does not know the names of its columns";
    throw new InputError("x", "a table with named columns", want);
  }
  const given = table ? featured(x as Table, features, tensor) : x;
  const array = shaped(
    isArray(given) ? given : flattened(given as Nested, "x"),
    tensor,
    isArray(given),
  );
  if (columns.length) checkCodes(array, about);
  else checkFinite(array, about.lengths !== undefined);
  return array;
}

function isTable(x: Rows): boolean {
  if (isArray(x) || typeof x !== "object") return false;
  const first: unknown = Array.isArray(x) ? x[0] : x;
  return typeof first === "object" && first !== null && !Array.isArray(first);
}

/** Values by name as an array, in the order of the features. */
function featured(x: Table, features: readonly string[], tensor: Tensor): NdArray {
  const columns = features.map((name) => ({
    name,
    kind: "number" as const,
    categories: [],
    unit: "",
    missing: [],
  }));
  const rows = rowsOf(x, columns);
  return { data: rows.data, shape: [rows.shape[0] ?? 0, ...tensor.row] };
}

/** The same numbers in the declared dtype and shape; float64 may become float32, no more. */
function shaped(array: NdArray, tensor: Tensor, typed: boolean): NdArray {
  const dtype = dtypeOf(array.data);
  const wanted = `${tensor.dtype} [n, ${tensor.row.join(", ")}]`;
  const [rows = 0, ...row] = array.shape;
  if (row.join() !== tensor.row.join()) {
    const same = array.shape.join() === tensor.row.join();
    const hint = same ? "{ data: x.data, shape: [1, ...x.shape] }" : "";
    throw new InputError("x", `${dtype} [${array.shape.join(", ")}]`, wanted, hint);
  }
  if (volume(array.shape) !== array.data.length) {
    const got = `of ${array.data.length} values with the shape [${array.shape.join(", ")}]`;
    throw new InputError("x", got, wanted);
  }
  if (dtype === tensor.dtype) return array;
  const widened = dtype === "float64" && tensor.dtype === "float32";
  if (typed && !widened && !(dtype === "uint8" && tensor.dtype === "bool")) {
    throw new InputError("x", `${dtype} [${array.shape.join(", ")}]`, wanted);
  }
  const limits = LIMITS[tensor.dtype];
  const result = empty(tensor.dtype, [rows, ...row]);
  array.data.forEach((value: number | bigint, i: number) => {
    const number = Number(value);
    if (limits && !(Number.isInteger(number) && number >= limits[0] && number <= limits[1])) {
      const want = `whole numbers from ${limits[0]} to ${limits[1]}`;
      throw new InputError("x", `${number} in one place`, want);
    }
    if (result.data instanceof BigInt64Array) result.data[i] = BigInt(number);
    else result.data[i] = number;
  });
  return result;
}

function checkFinite(array: NdArray, gaps: boolean): void {
  if (!(array.data instanceof Float32Array || array.data instanceof Float64Array)) return;
  const bad = array.data.findIndex(
    (value) => !Number.isFinite(value) && !(gaps && Number.isNaN(value)),
  );
  if (bad < 0) return;
  const width = array.data.length / Math.max(array.shape[0] ?? 1, 1);
  throw new InputError("x", `not finite in row ${Math.floor(bad / width)}`, "finite numbers");
}

/** Refuse infinity, and a code that no category has. */
function checkCodes(array: NdArray, about: Manifest): void {
  const { columns } = about;
  const [count, width] = [numberCount(columns), columns.length];
  array.data.forEach((value: number | bigint, i: number) => {
    const column = columns[i % width];
    const place = `x[${Math.floor(i / width)}].${column?.name ?? ""}`;
    const number = Number(value);
    if (i % width < count) {
      if (Math.abs(number) === Infinity)
        throw new InputError(place, "infinite", "a number, or NaN");
      return;
    }
    const most = (column?.categories.length ?? 0) - 1;
    if (!Number.isInteger(number) || number < -1 || number > most) {
      throw new InputError(place, String(number), `a code from 0 to ${most}, or -1 where unknown`);
    }
  });
}

export type { Cell, Table };
