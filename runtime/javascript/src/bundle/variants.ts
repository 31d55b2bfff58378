/** Variants: the files that a manifest lists for a graph, a precision and a provider each. */

import { get, optional, typed, type Json } from "./json.js";

/** How far golden rows may be off: absolute, one number or one a value of a row, and relative. */
export interface Bound {
  readonly atol: readonly number[];
  readonly rtol: number;
}

/** One file of a component. */
export interface Variant {
  readonly component: string;
  readonly name: string;
  readonly path: string;
  readonly provider: string;
  readonly precision: string;
  readonly preferred: boolean;
  /** The bound of an output's golden rows. */
  bound(output: string): Bound;
}

const [CPU, PLAIN] = ["CPUExecutionProvider", "fp32"];

/** An entry of `variants`; raises FormatError. */
export function parseVariant(component: string, name: string, value: unknown): Variant {
  const table = typed(value, "object", `components.${component}.${name}`);
  const engine = get(get(table, "executor_info", "object"), "ort", "object");
  const extra = get(table, "additional_metadata", "object");
  const tolerance = get(extra, "tolerance", "object");
  const own = optional(tolerance, "outputs", "object") ?? {};
  const every = parseBound(tolerance);
  const bounds = new Map(
    Object.entries(own).map(([output, entry]) => [
      output,
      parseBound(typed(entry, "object", "tolerance")),
    ]),
  );
  return {
    component,
    name,
    path: `${get(table, "variant_directory", "string")}/${get(engine, "model_file", "string")}`,
    provider: get(table, "ep", "string"),
    precision: get(extra, "precision", "string"),
    preferred: optional(extra, "default", "boolean") ?? false,
    bound: (output) => bounds.get(output) ?? every,
  };
}

function parseBound(table: Json): Bound {
  const [atol, rtol] = [table["atol"], get(table, "rtol", "number")];
  const several = Array.isArray(atol) ? atol : [get(table, "atol", "number")];
  return { atol: several.map((entry) => typed(entry, "number", "atol")), rtol };
}

/**
 * The variant of a component that is run: what its maker chose for CPUs, which WebAssembly
 * computes as, else fp32. WebGPU takes fp32, which it computes too.
 */
export function chosen(variants: readonly Variant[], component: string, plain: boolean): Variant {
  const rivals = variants.filter((variant) => variant.component === component);
  const fitting = rivals.filter((variant) => variant.provider === CPU);
  const exact = rivals.find((variant) => variant.precision === PLAIN);
  const usual = fitting.find((variant) => variant.preferred) ?? exact ?? fitting[0] ?? rivals[0];
  const best = plain ? (exact ?? usual) : usual;
  if (!best) throw new RangeError(`no variant of ${component}`);
  return best;
}
