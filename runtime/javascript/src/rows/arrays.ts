/** Arrays of numbers with a shape, as graphs take and give them. */

import { FormatError, InputError } from "../errors.js";

/** What an array's numbers are kept in. */
export type Data =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | BigInt64Array;

/** The dtypes of the format that JavaScript has arrays of, by numpy's names. */
export type DType =
  "float32" | "float64" | "uint8" | "int8" | "uint16" | "int16" | "int32" | "int64" | "bool";

/** Numbers with a shape, the last axis fastest; the first axis counts rows. */
export interface NdArray<D extends Data = Data> {
  readonly data: D;
  readonly shape: readonly number[];
}

/** Numbers within arrays within arrays. */
export type Nested = number | readonly Nested[];

export const DTYPES: Readonly<Record<DType, new (size: number) => Data>> = {
  float32: Float32Array,
  float64: Float64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
};

/** The least and the largest value of each dtype of whole numbers. */
export const LIMITS: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  bool: [0, 1],
};

/** How many values a shape holds. */
export function volume(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

/** An array of a dtype, filled with zeros. */
export function empty(dtype: DType, shape: readonly number[]): NdArray {
  return { data: new DTYPES[dtype](volume(shape)), shape };
}

/** Float32 numbers with a shape. */
export function floats(
  values: Float32Array | ArrayLike<number>,
  shape: readonly number[],
): NdArray<Float32Array> {
  return { data: values instanceof Float32Array ? values : Float32Array.from(values), shape };
}

/** Rows `from` up to `to` of an array, which they share. */
export function part<D extends Data>(array: NdArray<D>, from: number, to: number): NdArray<D> {
  const [rows = 0, ...row] = array.shape;
  const [width, end] = [volume(row), Math.min(to, rows)];
  const data = array.data.subarray(from * width, end * width) as D;
  return { data, shape: [Math.max(end - from, 0), ...row] };
}

/** Arrays of equal rows, one after another. */
export function joined(parts: readonly NdArray[], dtype: DType, row: readonly number[]): NdArray {
  const [first] = parts;
  if (parts.length === 1 && first) return first;
  const rows = parts.reduce((sum, each) => sum + (each.shape[0] ?? 0), 0);
  const whole = empty(dtype, [rows, ...row]);
  let at = 0;
  for (const each of parts) {
    if (whole.data instanceof BigInt64Array) whole.data.set(each.data as BigInt64Array, at);
    else whole.data.set(each.data as Exclude<Data, BigInt64Array>, at);
    at += each.data.length;
  }
  return whole;
}

/** An array of float32 rows with every row `times` times in turn. */
export function repeated(array: NdArray<Float32Array>, times: number): NdArray<Float32Array> {
  const [rows = 0, ...row] = array.shape;
  const width = volume(row);
  const data = new Float32Array(rows * times * width);
  for (let i = 0; i < rows * times; i++) {
    const from = Math.floor(i / times) * width;
    data.set(array.data.subarray(from, from + width), i * width);
  }
  return { data, shape: [rows * times, ...row] };
}

/** Whether something is an array with a shape. */
export function isArray(value: unknown): value is NdArray {
  return (
    typeof value === "object" &&
    value !== null &&
    "data" in value &&
    "shape" in value &&
    ArrayBuffer.isView((value as NdArray).data) &&
    Array.isArray((value as NdArray).shape)
  );
}

/** The dtype of an array's numbers. */
export function dtypeOf(data: Data): DType {
  const names = Object.keys(DTYPES) as DType[];
  return names.find((name) => data instanceof DTYPES[name]) ?? "float64";
}

/** Nested arrays as float64 with their shape; raises InputError where they are ragged. */
export function flattened(value: Nested, name: string): NdArray<Float64Array> {
  const shape: number[] = [];
  for (let at: Nested | undefined = value; Array.isArray(at); at = at[0]) shape.push(at.length);
  const data = new Float64Array(volume(shape));
  let next = 0;
  const take = (part: Nested, depth: number): void => {
    if (typeof part === "number" && depth === shape.length) data[next++] = part;
    else if (Array.isArray(part) && part.length === shape[depth]) {
      for (const each of part as readonly Nested[]) take(each, depth + 1);
    } else throw new InputError(name, "ragged, or holds no numbers", "arrays of equal length");
  };
  take(value, 0);
  return { data, shape };
}

/** Read a `.npy` file, version 1 or 2, in C order and little endian. */
export function npy(bytes: Uint8Array, name: string): NdArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = String.fromCharCode(...bytes.subarray(1, 6));
  const long = (bytes[6] ?? 0) > 1;
  const start = long ? 12 : 10;
  const size = magic === "NUMPY" ? (long ? view.getUint32(8, true) : view.getUint16(8, true)) : 0;
  const header = new TextDecoder("latin1").decode(bytes.subarray(start, start + size));
  const [, code = ""] = /'descr': '[<|]([a-z][0-9])'/.exec(header) ?? [];
  const [, sides] = /'shape': \(([0-9, ]*)\)/.exec(header) ?? [];
  const dtype = CODES[code];
  if (!dtype || sides === undefined || !header.includes("'fortran_order': False")) {
    throw new FormatError(`${name} is no .npy file that can be read`, "a file that numpy saved");
  }
  const shape = sides
    .split(",")
    .filter((side) => side.trim())
    .map(Number);
  const values = empty(dtype, shape);
  const length = values.data.byteLength;
  if (bytes.byteLength - start - size !== length) {
    throw new FormatError(`${name} has another length than its header says`);
  }
  const target = new Uint8Array(values.data.buffer);
  target.set(bytes.subarray(start + size, start + size + length));
  return values;
}

const CODES: Readonly<Record<string, DType>> = {
  f4: "float32",
  f8: "float64",
  u1: "uint8",
  i1: "int8",
  u2: "uint16",
  i2: "int16",
  i4: "int32",
  i8: "int64",
  b1: "bool",
};
