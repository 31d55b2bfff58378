/** The manifest: what a bundle says of itself, read from its JSON and checked. */

import { CONVERT, FormatError, UnsupportedVersion } from "../errors.js";
import { parseSpace, type Space } from "../labels/registry.js";
import { parseColumns, type Column } from "../rows/columns.js";
import { DTYPES, type DType } from "../rows/arrays.js";
import { distinct, get, numbers, optional, strings, typed, type Json } from "./json.js";
import { parseVariant, type Variant } from "./variants.js";

/** One input or output of a graph; its first axis is the batch. */
export interface Tensor {
  readonly name: string;
  readonly dtype: DType;
  /** The shape of one row. */
  readonly row: readonly number[];
}

/** What a graph takes and gives; `noise` names the inputs that take standard normal numbers. */
export interface Graph {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly noise: readonly string[];
}

/** How x is drawn from a decoder's parameters; FORMAT.md has each. */
export interface Likelihood {
  readonly name: string;
  readonly total: number;
  readonly low: number;
  readonly step: number;
}

/** What scores of validation rows are. */
export interface Scorer {
  readonly unit: string;
  readonly levels: readonly number[];
  readonly values: readonly number[];
  readonly threshold?: number;
}

/** What rows are, as they come: documentation, but for `resize`. */
export interface Input {
  readonly shape: readonly number[];
  readonly kind: string;
  readonly dtype: string;
  readonly range?: readonly [number, number];
  readonly resize: string;
}

/** Everything that is read of a manifest; `section` has the rest. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly format: string;
  readonly space: Space;
  readonly graphs: ReadonlyMap<string, Graph>;
  readonly variants: readonly Variant[];
  readonly likelihood?: Likelihood;
  readonly scorer?: Scorer;
  readonly input: Input;
  readonly columns: readonly Column[];
  readonly features: readonly string[];
  /** Of windows, the names of the channels. */
  readonly channels: readonly string[];
  /** Of series of unequal length, the shortest and the longest. */
  readonly lengths?: readonly [number, number];
  readonly section: Json;
}

const MAJORS = [1, 2];

/** Read a manifest; raises FormatError and UnsupportedVersion. */
export function parse(top: Json): Manifest {
  const schema = get(top, "schema_version", "string");
  if (schema.split(".")[0] !== "1") {
    throw new UnsupportedVersion(`The model package has schema ${schema}`, "1.0");
  }
  const section = upgraded(get(get(top, "additional_metadata", "object"), "ssdgm", "object"));
  if (optional(section, "views", "list")?.length) {
    const mend = "Run this bundle with the Python package ssdgm-runtime.";
    throw new UnsupportedVersion("The rows of this bundle have several views", "one array", mend);
  }
  const graphs = parseGraphs(get(section, "io", "object"));
  const columns = parseColumns(optional(section, "columns", "list") ?? []);
  const likelihood = parseLikelihood(optional(section, "likelihood", "object"));
  const scorer = parseScorer(optional(section, "scorer", "object"));
  const lengths = section["lengths"] ? numbers(section, "lengths") : [];
  return {
    name: get(top, "package_name", "string"),
    version: optional(top, "package_version", "string") ?? "",
    description: optional(top, "description", "string") ?? "",
    format: get(section, "format", "string"),
    space: parseSpace(get(section, "labels", "object")),
    graphs,
    variants: parseVariants(get(top, "components", "object"), graphs),
    ...(likelihood && { likelihood }),
    ...(scorer && { scorer }),
    input: parseInput(optional(section, "input", "object") ?? {}),
    columns,
    features: section["features"] ? strings(section, "features") : [],
    channels: parseChannels(optional(section, "series", "object")),
    ...(lengths.length === 2 && { lengths: [lengths[0] ?? 0, lengths[1] ?? 0] as const }),
    section,
  };
}

/** The least and the largest value of the data: what is stated, else what can be drawn. */
export function valueRange(about: Manifest): readonly [number, number] {
  const { input, likelihood } = about;
  if (input.range && input.range[0] < input.range[1]) return input.range;
  if (!likelihood || likelihood.name === "gaussian") return [0, 1];
  return [likelihood.low, likelihood.low + likelihood.step * likelihood.total];
}

/** The input that rows are given as: the graph's own, or the whole row of a table. */
export function rowTensor(graph: Graph, columns: readonly Column[]): Tensor {
  if (columns.length) return { name: "x", dtype: "float32", row: [columns.length] };
  const x = graph.inputs.find((tensor) => tensor.name === "x");
  if (!x) throw new FormatError("A graph of rows has no input x", "", CONVERT);
  return x;
}

/** A manifest of format 1 had classes for labels, in three fields. */
function upgraded(section: Json): Json {
  const format = get(section, "format", "string");
  const [major = ""] = format.split(".");
  if (!/^\d+\.\d+$/.test(format) || !MAJORS.includes(Number(major))) {
    const mend = "Update the JavaScript package.";
    throw new UnsupportedVersion(`The bundle has format ${format}`, "1 or 2", mend);
  }
  if (major !== "1") return section;
  const { labels: names, classes: values, prior, ...rest } = section;
  return { ...rest, labels: { space: "classes", names, values, prior } };
}

function parseGraphs(io: Json): ReadonlyMap<string, Graph> {
  const graphs = Object.entries(io).map(([name, value]): [string, Graph] => {
    const table = typed(value, "object", `io.${name}`);
    const inputs = get(table, "inputs", "list").map((entry) => parseTensor(entry, name));
    const outputs = get(table, "outputs", "list").map((entry) => parseTensor(entry, name));
    const noise = table["noise"] ? strings(table, "noise") : [];
    distinct(
      inputs.map((tensor) => tensor.name),
      `the input of ${name}`,
    );
    distinct(
      outputs.map((tensor) => tensor.name),
      `the output of ${name}`,
    );
    if (!inputs.length || !outputs.length) {
      throw new FormatError(`${name} of the manifest takes or gives nothing`, "", CONVERT);
    }
    return [name, { inputs, outputs, noise }];
  });
  return new Map(graphs);
}

function parseTensor(value: unknown, graph: string): Tensor {
  const table = typed(value, "object", `io.${graph}`);
  const [name, dtype] = [get(table, "name", "string"), get(table, "dtype", "string")];
  const [batch, ...row] = get(table, "shape", "list");
  if (row.some((side) => typeof side === "string")) {
    const mend = "Run this bundle with the Python package ssdgm-runtime.";
    throw new UnsupportedVersion(`${name} of ${graph} has sides of any size`, "fixed ones", mend);
  }
  const sides = row.filter((side): side is number => Number.isInteger(side) && Number(side) > 0);
  if (batch !== "batch" || sides.length !== row.length || !Object.hasOwn(DTYPES, dtype)) {
    const want = '["batch", positive whole numbers] of a dtype that JavaScript has';
    throw new FormatError(`${name} of ${graph} is ${dtype} ${JSON.stringify(row)}`, want, CONVERT);
  }
  return { name, dtype: dtype as DType, row: sides };
}

function parseVariants(components: Json, graphs: ReadonlyMap<string, Graph>): Variant[] {
  const every = Object.entries(components).flatMap(([component, value]) => {
    const variants = get(typed(value, "object", component), "variants", "object");
    return Object.entries(variants).map(([name, entry]) => parseVariant(component, name, entry));
  });
  const shipped = new Set(every.map((variant) => variant.component));
  if (shipped.size !== graphs.size || ![...graphs.keys()].every((name) => shipped.has(name))) {
    const found = `The manifest describes ${[...graphs.keys()].join(", ")}`;
    throw new FormatError(`${found} and ships ${[...shipped].join(", ")}`, "the same", CONVERT);
  }
  return every;
}

function parseLikelihood(value: Json | undefined): Likelihood | undefined {
  return (
    value && {
      name: get(value, "name", "string"),
      total: optional(value, "total", "number") ?? 1,
      low: optional(value, "low", "number") ?? 0,
      step: optional(value, "step", "number") ?? 1,
    }
  );
}

function parseScorer(value: Json | undefined): Scorer | undefined {
  if (!value) return undefined;
  const threshold = optional(value, "threshold", "number");
  return {
    unit: optional(value, "unit", "string") ?? "",
    levels: value["levels"] ? numbers(value, "levels") : [],
    values: value["values"] ? numbers(value, "values") : [],
    ...(threshold !== undefined && { threshold }),
  };
}

function parseInput(value: Json): Input {
  const range = value["range"] ? numbers(value, "range") : [];
  return {
    shape: value["shape"] ? numbers(value, "shape") : [],
    kind: optional(value, "kind", "string") ?? "",
    dtype: optional(value, "dtype", "string") ?? "",
    ...(range.length === 2 && { range: [range[0] ?? 0, range[1] ?? 1] as const }),
    resize: optional(value, "resize", "string") ?? "",
  };
}

function parseChannels(series: Json | undefined): string[] {
  return series ? strings(series, "channels") : [];
}
