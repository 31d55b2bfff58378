/** The page: opens the bundle beside it, answers, checks itself, and fills its panels. */

import type { Env } from "onnxruntime-web";

import type { Engine } from "../src/engine.js";
import { open } from "../src/loading.js";
import type { Model } from "../src/model.js";
import { contextOf, type Context, type Site } from "./context.js";
import { byId, report } from "./dom.js";
import { curveInput } from "./input/curve.js";
import { formInput } from "./input/form.js";
import { pictureInput } from "./input/picture.js";
import { aboutPanel, badges } from "./parts/about.js";
import { classifyPanel } from "./parts/classify.js";
import { generatePanel } from "./parts/generate.js";
import { planePanel } from "./parts/plane.js";
import { canRestyle, restylePanel } from "./parts/restyle.js";
import { stylesOf } from "./parts/styles.js";
import { themeButton } from "./theme.js";

const INPUTS = { picture: pictureInput, series: curveInput, table: formInput };

type Module = Engine & { readonly env: Env };

/** The engine beside the page, on one thread: more need headers that few file servers send. */
async function engineOf({ engine }: Site): Promise<Engine> {
  const address = (name: string): string => new URL(name, document.baseURI).href;
  const program = fetched(engine.program).then(unpacked);
  const module = (await import(address(engine.module))) as Module;
  module.env.wasm.numThreads = 1;
  module.env.wasm.wasmPaths = { mjs: address(engine.glue) };
  module.env.wasm.wasmBinary = await program;
  return module;
}

/** A file that is compressed, unless the server has told the browser to unpack it already. */
async function unpacked(response: Response): Promise<ArrayBuffer> {
  const blob = await response.blob();
  const [first, second] = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
  if (first !== 0x1f || second !== 0x8b) return blob.arrayBuffer();
  return new Response(blob.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

async function opened(site: Site, bytes: Promise<ArrayBuffer>): Promise<Model> {
  const engine = await engineOf(site);
  const wanted = site.engine.provider === "webgpu" && "gpu" in navigator;
  const model = await open(await bytes, engine, { provider: wanted ? "webgpu" : "wasm" });
  if (!wanted) return model;
  const agrees = await model.verify().then(
    (found) => found.passed,
    () => false,
  );
  return agrees ? model : open(await bytes, engine);
}

async function fetched(name: string): Promise<Response> {
  const response = await fetch(name);
  if (response.ok) return response;
  throw new Error(
    `${name} is missing from this site (status ${response.status}). Copy the whole folder.`,
  );
}

/** Show a panel and its entry in the navigation. */
function panel(id: string): HTMLElement {
  byId(id).hidden = false;
  byId(`to-${id}`).hidden = false;
  return byId(`${id}-body`);
}

async function fill(context: Context): Promise<void> {
  if (context.can("classify") || context.can("score")) {
    classifyPanel(context, panel("classify"), INPUTS[context.kind](context));
  }
  const styles = await stylesOf(context);
  if (styles) generatePanel(context, styles, panel("generate"));
  if (canRestyle(context)) restylePanel(context, panel("restyle"));
  if (styles && styles.width > 1 && context.kind !== "table")
    planePanel(context, styles, panel("plane"));
}

async function start(): Promise<void> {
  themeButton();
  const site = (await (await fetched("site.json")).json()) as Site;
  const bytes = fetched(site.bundle).then((response) => response.arrayBuffer());
  const model = await opened(site, bytes);
  const context = await contextOf(model, site);
  const checked = badges(context);
  await fill(context);
  byId("loading").hidden = true;
  const found = await model.verify({ digests: true });
  checked(found);
  aboutPanel(context, found, panel("about"));
  document.documentElement.dataset["state"] = found.passed ? "ready" : "differs";
  if (!found.passed)
    throw new Error("This device does not compute what the maker's did: its golden rows differ.");
  if ("serviceWorker" in navigator) await navigator.serviceWorker.register("worker.js");
}

start().catch((error: unknown) => {
  byId("loading").hidden = true;
  document.documentElement.dataset["state"] ??= "failed";
  report(error);
});
