/** A trained model, ready to use: classify, encode, reconstruct, generate and score. */

import type { Info, Latent, Samples, Scores, Task, VerifyReport } from "./answers.js";
import type { Bundle } from "./bundle/contents.js";
import { rowTensor, type Manifest, type Tensor } from "./bundle/manifest.js";
import { Graphs, type Arrays, type Engine, type Provider } from "./engine.js";
import { InputError, TaskUnavailable } from "./errors.js";
import { generated, noises, type GenerateOptions } from "./generation.js";
import { ranks } from "./labels/quantiles.js";
import type { AnyAnswer, Space } from "./labels/registry.js";
import type { Labels } from "./labels/space.js";
import { floats, type NdArray } from "./rows/arrays.js";
import { split, wholeRows } from "./rows/columns.js";
import { taken, type Rows } from "./rows/intake.js";
import type { Kind } from "./rows/proper.js";
import { goldenInputs, verified } from "./verification.js";

/** How graphs are run. */
export interface ModelOptions {
  /** Where graphs are computed: WebAssembly by default. */
  readonly provider?: Provider;
  /** The most rows that are computed at once; 256 by default. */
  readonly maxBatch?: number;
}

const NEEDS: Readonly<Record<Task, readonly string[]>> = {
  classify: ["classifier"],
  encode: ["encoder"],
  reconstruct: ["encoder", "decoder"],
  generate: ["decoder"],
  score: ["scorer"],
};

/** An open bundle; made by `load`. */
export class Model {
  /** What the bundle says of itself. */
  readonly manifest: Manifest;
  readonly #graphs: Graphs;

  /** @param engine A module of onnxruntime-web. */
  constructor(bundle: Bundle, engine: Engine, options: ModelOptions = {}) {
    const { provider = "wasm", maxBatch = 256 } = options;
    this.manifest = bundle.manifest;
    const kinds = (component: string): Record<string, Kind> => outputKinds(component, this.space);
    this.#graphs = new Graphs(bundle, engine, provider, maxBatch, kinds);
  }

  /** What a label is. */
  get space(): Space {
    return this.manifest.space;
  }

  /** The K labels' names. */
  get labels(): readonly string[] {
    return this.space.names;
  }

  /** Which tasks there are graphs for. */
  get tasks(): readonly Task[] {
    const { graphs } = this.manifest;
    const there = (part: string): boolean => graphs.has(part === "scorer" ? this.#scorer : part);
    return (Object.keys(NEEDS) as Task[]).filter((task) => NEEDS[task].every(there));
  }

  /** The noise that `generate` draws, by name and the shape of a row: first that of the style. */
  get noises(): readonly Tensor[] {
    return noises(this.manifest);
  }

  /** What is open. */
  get info(): Info {
    const { name, version, description, format, graphs } = this.manifest;
    const used = [...graphs.keys()].map((part) => [part, this.#graphs.variant(part).name]);
    return {
      name,
      version,
      description,
      format,
      id: this.#graphs.bundle.id,
      tasks: this.tasks,
      space: this.space.name,
      labels: this.labels,
      provider: this.#graphs.provider,
      variants: Object.fromEntries(used) as Record<string, string>,
    };
  }

  /**
   * Compute q(y | x); the answer's `space` says what it is.
   *
   * @param x [n, ...] in the data set's own dtype, or rows or columns by name.
   * @throws InputError, TaskUnavailable
   */
  async classify(x: Rows): Promise<AnyAnswer> {
    const rows = this.#rows("classifier", "classify", x);
    return this.space.answer(await this.#run("classifier", "classify", { x: rows }));
  }

  /** Probabilities of classes or tags, float32 [n, K]; other errors as of `classify`. */
  async predictProba(x: Rows): Promise<NdArray<Float32Array>> {
    const answer = await this.classify(x);
    if (answer.space === "classes" || answer.space === "tags") return answer.probs;
    throw new TaskUnavailable(`Labels that are ${answer.space} have no probabilities`);
  }

  /**
   * Compute q(z | x, y).
   *
   * @param y A label for all rows, one for each, or [n, K]; the classifier's answer by default.
   */
  async encode(x: Rows, y?: Labels): Promise<Latent> {
    const feeds = await this.#posterior("encode", x, y, "encoder");
    const { z_mean: mean, z_scale: scale } = await this.#run("encoder", "encode", feeds);
    const none = floats([], [0, 0]);
    return { mean: mean ?? none, scale: scale ?? none };
  }

  /** The expected x for the mean of q(z | x, y), float32 [n, ...]; arguments as of `encode`. */
  async reconstruct(x: Rows, y?: Labels): Promise<NdArray<Float32Array>> {
    const task = "reconstruct";
    if (!this.#takes("decoder", "z", task)) {
      throw new TaskUnavailable("This bundle cannot reconstruct: its decoder takes no z");
    }
    const feeds = await this.#posterior(task, x, y, "encoder", "decoder");
    const { z_mean: z } = await this.#run("encoder", task, feeds);
    const outputs = await this.#run("decoder", task, { ...feeds, ...(z && { z }) });
    const { columns } = this.manifest;
    const whole = columns.length ? wholeRows(outputs, columns) : outputs["x"];
    return whole ?? floats([], [0]);
  }

  /**
   * Generate from p(z | y) p(x | y, z), all noise drawn as Python draws it.
   *
   * @param y A label, or several: `n` rows for each, grouped by label; by default `n` labels of
   *   the prior.
   * @throws InputError, TaskUnavailable
   */
  generate(y?: Labels, n = 1, options: GenerateOptions = {}): Promise<Samples> {
    return generated(this.#graphs, y, n, options);
  }

  /** How strange each row is, and next to validation rows. */
  async score(x: Rows): Promise<Scores> {
    const part = this.#scorer;
    const outputs = await this.#run(part, "score", { x: this.#rows(part, "score", x) });
    const score = outputs["score"]?.data ?? new Float32Array();
    const { scorer, space } = this.manifest;
    const stated = scorer ?? (space.name === "one-class" ? space : undefined);
    const { levels = [], values = [], threshold, unit = "" } = stated ?? {};
    const inlier = threshold === undefined ? undefined : [...score].map((s) => s <= threshold);
    return { score, rank: ranks(score, levels, values), unit, ...(inlier && { inlier }) };
  }

  /** Run the golden rows: does this device compute what the maker's did? */
  async verify({ digests = false } = {}): Promise<VerifyReport> {
    if (digests) await this.#graphs.bundle.check();
    return verified(this.#graphs);
  }

  /** A graph's golden inputs by name, [n, ...]: rows that the maker's model drew, nobody's data. */
  golden(component: string): Promise<Record<string, NdArray>> {
    return goldenInputs(this.#graphs, component);
  }

  /** Release what the engine holds; the next call opens graphs anew. */
  close(): Promise<void> {
    return this.#graphs.close();
  }

  /** The part that scores rows: of one-class the classifier, which gives nothing else. */
  get #scorer(): string {
    const { graphs } = this.manifest;
    const gives = graphs.get("classifier")?.outputs.some((tensor) => tensor.name === "score");
    return !graphs.has("scorer") && gives ? "classifier" : "scorer";
  }

  #takes(component: string, name: string, task: string): boolean {
    return this.#graphs.graph(component, task).inputs.some((tensor) => tensor.name === name);
  }

  #rows(component: string, task: string, x: Rows): NdArray {
    const graph = this.#graphs.graph(component, task);
    return taken(x, rowTensor(graph, this.manifest.columns), this.manifest);
  }

  /** Rows and the y that some parts take, the classifier's own answer where none is given. */
  async #posterior(
    task: string,
    x: Rows,
    y: Labels | undefined,
    ...components: string[]
  ): Promise<Record<string, NdArray>> {
    const rows = this.#rows("encoder", task, x);
    const labelled = components.filter((component) => this.#takes(component, "y", task));
    if (!labelled.length) {
      if (y === undefined) return { x: rows };
      throw new InputError("y", "given", "undefined: this bundle's graphs take no label");
    }
    if (y !== undefined) return { x: rows, y: this.space.read(y, rows.shape[0]) };
    const outputs = await this.#run("classifier", `${task} without y`, { x: rows });
    const own = outputs[this.space.mean];
    return own ? { x: rows, y: own } : { x: rows };
  }

  #run(
    component: string,
    task: string,
    feeds: Arrays,
  ): Promise<Record<string, NdArray<Float32Array>>> {
    const { columns } = this.manifest;
    const { x, ...others } = feeds;
    const apart = x && columns.length ? split(x as NdArray<Float32Array>, columns) : x && { x };
    return this.#graphs.run(component, task, { ...apart, ...others });
  }
}

/** What outputs of a part are beside finite. */
function outputKinds(component: string, space: Space): Record<string, Kind> {
  if (component === "decoder") return { probs: "truths", code_probs: "truths", scale: "scale" };
  if (component !== "classifier") return { z_scale: "scale" };
  if (space.name === "numbers") return { scale: "scale" };
  return space.name === "one-class" ? {} : { probs: space.name === "tags" ? "truths" : "shares" };
}
