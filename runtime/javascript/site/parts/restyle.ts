/** The third panel: the row that is looked at, in its own style, as every other label. */

import { repeated } from "../../src/rows/arrays.js";
import type { Context } from "../context.js";
import { el, latest } from "../dom.js";
import { everyLabel, labelled } from "./labels.js";
import { cells, names, rowView } from "./rows.js";

/** Whether a bundle can: it encodes rows, and its decoder takes z and a label. */
export function canRestyle(context: Context): boolean {
  const decoder = context.about.graphs.get("decoder");
  const takes = (name: string): boolean => decoder?.inputs.some((t) => t.name === name) ?? false;
  const named = context.about.space.name !== "one-class";
  return context.can("reconstruct") && labelled(context) && takes("y") && takes("z") && named;
}

/** Fill the panel; it follows the context's row. */
export function restylePanel(context: Context, place: HTMLElement): void {
  const { labels, captions } = everyLabel(context);
  const shown = context.kind === "table" ? columns(context, captions) : figures(context, captions);
  place.append(shown.element);
  const follow = latest(async () => {
    const { x } = context.row.get();
    const { mean } = await context.model.encode(x);
    const z = repeated(mean, captions.length);
    const samples = await context.model.generate(labels, 1, { z, seed: 0 });
    const own = await context.model.reconstruct(x);
    const given = Float32Array.from(x.data as ArrayLike<number>, Number);
    shown.show([given, own.data], samples.x.data);
  });
  context.row.watch(follow);
}

interface Shown {
  readonly element: HTMLElement;
  /** The row and its reconstruction, then one row for every label. */
  show(own: readonly [Float32Array, Float32Array], others: Float32Array): void;
}

function figures(context: Context, captions: readonly string[]): Shown {
  const heads = ["Your own", "As it is rebuilt", ...captions];
  const views = heads.map((caption) => rowView(context, caption));
  const entries = views.map((view, i) => {
    view.element.setAttribute("aria-hidden", "true");
    const text = el("figcaption", { text: heads[i] ?? "" });
    return el("figure", { class: i < 2 ? "own" : "" }, view.element, text);
  });
  const element = el("div", { class: `strip of-${context.kind}` }, ...entries);
  const show: Shown["show"] = (own, others) => {
    const size = others.length / captions.length;
    views[0]?.show(own[0]);
    views[1]?.show(own[1]);
    captions.forEach((_, i) => views[i + 2]?.show(others.subarray(i * size, (i + 1) * size)));
  };
  return { element, show };
}

function columns(context: Context, captions: readonly string[]): Shown {
  const body = el("tbody");
  const heads = ["", "Your own", "Rebuilt", ...captions].map((text) =>
    text ? el("th", { scope: "col", text }) : el("td"),
  );
  const table = el(
    "table",
    {},
    el("caption", { text: "Your row as every label" }),
    el("thead", {}, el("tr", {}, ...heads)),
    body,
  );
  const element = el(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Your row as every label" },
    table,
  );
  const show: Shown["show"] = (own, others) => {
    const size = others.length / captions.length;
    const rows = [...own, ...captions.map((_, i) => others.subarray(i * size, (i + 1) * size))];
    const texts = rows.map((row) => cells(context, row).map(([, value]) => value));
    const lines = names(context).map((name, k) =>
      el(
        "tr",
        {},
        el("th", { scope: "row", text: name }),
        ...texts.map((text, i) =>
          el("td", {
            text: text[k] ?? "",
            class: i > 1 && text[k] !== texts[1]?.[k] ? "moved" : "",
          }),
        ),
      ),
    );
    body.replaceChildren(...lines);
  };
  return { element, show };
}
