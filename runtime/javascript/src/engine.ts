/** The one place that knows onnxruntime: sessions of a bundle's graphs, and their answers. */

import type { InferenceSession, Tensor as OrtTensor, TypedTensor, Env } from "onnxruntime-web";

import type { Bundle } from "./bundle/contents.js";
import type { Graph, Tensor } from "./bundle/manifest.js";
import { chosen, type Variant } from "./bundle/variants.js";
import { EngineError, FormatError, InputError, TaskUnavailable } from "./errors.js";
import { DTYPES, empty, floats, joined, part, type Data, type NdArray } from "./rows/arrays.js";
import { lookAt, type Kind } from "./rows/proper.js";

/** What is used of onnxruntime-web; its modules are all of this form. */
export interface Engine {
  readonly InferenceSession: {
    create(bytes: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: new (type: OrtTensor.Type, data: Data, dims: readonly number[]) => OrtTensor;
  readonly env: Pick<Env, "versions">;
}

const ERRORS = 3; // the least that is logged

/** Inputs or outputs of a graph by name. */
export type Arrays = Readonly<Record<string, NdArray>>;

/** Where graphs are computed. */
export type Provider = "wasm" | "webgpu";

/** The sessions of a bundle's graphs, each opened when it is first needed. */
export class Graphs {
  readonly #sessions = new Map<string, Promise<InferenceSession>>();
  #queue: Promise<unknown> = Promise.resolve();

  /**
   * @param batch The most rows that are computed at once.
   * @param kinds What a component's outputs are beside finite.
   */
  constructor(
    readonly bundle: Bundle,
    private readonly engine: Engine,
    readonly provider: Provider,
    private readonly batch: number,
    private readonly kinds: (component: string) => Readonly<Record<string, Kind>>,
  ) {}

  /** The version of onnxruntime-web. */
  get version(): string {
    return this.engine.env.versions.web ?? this.engine.env.versions.common;
  }

  /** What a graph takes and gives; raises TaskUnavailable where there is none. */
  graph(component: string, task: string): Graph {
    const graph = this.bundle.manifest.graphs.get(component);
    if (graph) return graph;
    const names = [...this.bundle.manifest.graphs.keys()].join(", ") || "no graph";
    const mend =
      component === "scorer"
        ? "Convert its run again with --score; methods that generate have scores."
        : `It has ${names}; convert a run of a method that can.`;
    throw new TaskUnavailable(`This bundle cannot ${task}: it has no ${component}`, "", mend);
  }

  /** The variant of a component that is run. */
  variant(component: string): Variant {
    return chosen(this.bundle.manifest.variants, component, this.provider === "webgpu");
  }

  /**
   * Compute a graph's outputs for all rows; noise that is not given is zero, the mean path.
   *
   * @param feeds Inputs by name, [n, ...]; further ones are left out.
   */
  async run(
    component: string,
    task: string,
    feeds: Arrays,
  ): Promise<Record<string, NdArray<Float32Array>>> {
    const graph = this.graph(component, task);
    const rows = Object.values(feeds)[0]?.shape[0] ?? 0;
    const pieces: Record<string, NdArray>[] = [];
    for (let start = 0; start < rows; start += this.batch) {
      const end = Math.min(start + this.batch, rows);
      pieces.push(await this.#piece(component, graph, feeds, start, end));
    }
    const outputs: Record<string, NdArray<Float32Array>> = {};
    for (const tensor of graph.outputs) {
      const parts = pieces.flatMap((piece) => piece[tensor.name] ?? []);
      const whole = joined(parts, tensor.dtype, tensor.row);
      outputs[tensor.name] =
        whole.data instanceof Float32Array
          ? floats(whole.data, whole.shape)
          : floats(Float32Array.from(whole.data as ArrayLike<number>, Number), whole.shape);
    }
    lookAt(outputs, this.kinds(component), Object.keys(feeds));
    return outputs;
  }

  /** Release the sessions. */
  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release();
    this.#sessions.clear();
  }

  async #piece(
    component: string,
    graph: Graph,
    feeds: Arrays,
    start: number,
    end: number,
  ): Promise<Record<string, NdArray>> {
    const inputs: Record<string, OrtTensor> = {};
    for (const tensor of graph.inputs) {
      const given = feeds[tensor.name];
      if (!given && !graph.noise.includes(tensor.name)) {
        throw new InputError(tensor.name, "not given", `an input of ${component}`);
      }
      const { data, shape } = given
        ? part(given, start, end)
        : empty(tensor.dtype, [end - start, ...tensor.row]);
      inputs[tensor.name] = new this.engine.Tensor(tensor.dtype, data, shape);
    }
    const outputs = await this.#queued(component, inputs);
    return Object.fromEntries(
      graph.outputs.map((tensor) => [tensor.name, answered(outputs, tensor, end - start)]),
    );
  }

  /** Engines run one graph at a time. */
  #queued(
    component: string,
    inputs: Record<string, OrtTensor>,
  ): Promise<InferenceSession.OnnxValueMapType> {
    const run = async (): Promise<InferenceSession.OnnxValueMapType> => {
      const session = await this.#session(component);
      try {
        return await session.run(inputs);
      } catch (error) {
        throw failure(`The engine failed in ${component}`, error);
      }
    };
    const result = this.#queue.then(run, run);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  #session(component: string): Promise<InferenceSession> {
    const known = this.#sessions.get(component);
    if (known) return known;
    const opened = this.#open(component);
    this.#sessions.set(component, opened);
    opened.catch(() => this.#sessions.delete(component));
    return opened;
  }

  async #open(component: string): Promise<InferenceSession> {
    const { path } = this.variant(component);
    const bytes = await this.bundle.read(path);
    const providers = this.provider === "webgpu" ? ["webgpu", "wasm"] : ["wasm"];
    let session: InferenceSession;
    try {
      session = await this.engine.InferenceSession.create(bytes, {
        executionProviders: providers,
        logSeverityLevel: ERRORS,
      });
    } catch (error) {
      throw failure(`The engine, onnxruntime-web ${this.version}, cannot load ${path}`, error);
    }
    const graph = this.graph(component, "run");
    const wanted = graph.inputs.map((tensor) => tensor.name).sort();
    const outputs = new Set(session.outputNames);
    const lacking = graph.outputs.filter((tensor) => !outputs.has(tensor.name));
    if ([...session.inputNames].sort().join() !== wanted.join() || lacking.length) {
      const found = `${path} takes ${session.inputNames.join(", ")}`;
      const mend = "Convert the run again.";
      throw new FormatError(
        `${found} and gives ${session.outputNames.join(", ")}`,
        "what the manifest says",
        mend,
      );
    }
    return session;
  }
}

function failure(what: string, error: unknown): EngineError {
  const detail = error instanceof Error ? error.message : String(error);
  return new EngineError(`${what} (${detail.split("\n")[0] ?? ""})`, "", "", { cause: error });
}

/** An output, of the shape and dtype that the manifest declares. */
function answered(
  outputs: InferenceSession.OnnxValueMapType,
  tensor: Tensor,
  rows: number,
): NdArray {
  const value = outputs[tensor.name] as TypedTensor<"float32"> | undefined;
  const wanted = [rows, ...tensor.row];
  const data: unknown = value?.data;
  if (value && data instanceof DTYPES[tensor.dtype] && value.dims.join() === wanted.join()) {
    return { data, shape: wanted };
  }
  const found = value ? `${value.type} [${value.dims.join(", ")}]` : "not there";
  const want = `${tensor.dtype} [${wanted.join(", ")}], as the manifest says`;
  throw new FormatError(`The output ${tensor.name} is ${found}`, want);
}
