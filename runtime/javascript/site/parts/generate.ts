/** The second panel: rows of a label, by a seed, and one whose style sliders change. */

import { Stream } from "../../src/noise/streams.js";
import { rowFrom, type Context } from "../context.js";
import { button, el, field, latest, slider, tick, type Slider } from "../dom.js";
import { picker } from "./labels.js";
import { cells, names, rowView } from "./rows.js";
import type { Styles } from "./styles.js";

const [TILES, LINES, SLIDERS] = [24, 6, 6];

/** Fill the panel; does nothing for models whose style has no numbers. */
export function generatePanel(context: Context, styles: Styles, place: HTMLElement): void {
  const { model } = context;
  const settings = { seed: 0, sample: false, temperature: 1, style: styles.drawn(0) };
  const choice = picker(context, () => changed());
  const large = rowView(context, "The generated row");
  const rows =
    context.kind === "table" ? lines(context, (i) => take(i)) : tiles(context, (i) => take(i));
  let drawn: Float32Array[] = [];

  const one = latest(async () => {
    large.show(await styles.rows(choice.label(), [settings.style]));
  });
  const many = latest(async () => {
    const { seed, sample, temperature } = settings;
    const n = context.kind === "table" ? LINES : TILES;
    const label = choice.label();
    const samples = await model.generate(label, n, { seed, sample, temperature });
    const [first] = model.noises;
    const noise = first
      ? new Stream(seed, first.name).normal(n * styles.width)
      : new Float32Array();
    drawn = Array.from({ length: n }, (_, i) =>
      noise.slice(i * styles.width, (i + 1) * styles.width),
    );
    rows.show(samples.x.data, choice.caption());
  });
  const changed = (): void => {
    one();
    many();
  };
  const take = (index: number): void => {
    settings.style = drawn[index]?.map((value) => value * settings.temperature) ?? settings.style;
    align();
    one();
  };
  const sliders: Slider[] = styles.strongest.slice(0, SLIDERS).map((at, i) =>
    slider(
      `Style ${i + 1}`,
      { min: -3, max: 3, step: 0.05, value: settings.style[at] ?? 0 },
      (value) => {
        settings.style[at] = value;
        one();
      },
    ),
  );
  const align = (): void =>
    sliders.forEach((each, i) => (each.value = settings.style[styles.strongest[i] ?? 0] ?? 0));
  const setStyle = (style: Float32Array): void => {
    settings.style = style;
    align();
    one();
  };
  const look = latest(async () => {
    const x = await styles.rows(choice.label(), [settings.style]);
    context.row.set({ x: rowFrom(model, x), source: "generated" });
    document.getElementById("classify")?.scrollIntoView({ behavior: "auto", block: "start" });
  });

  const seed = el("input", { type: "number", min: 0, step: 1, value: 0, id: "seed" });
  seed.addEventListener("input", () => {
    if (!Number.isSafeInteger(seed.valueAsNumber) || seed.valueAsNumber < 0) return;
    settings.seed = seed.valueAsNumber;
    many();
  });
  const next = button("Another seed", () => {
    settings.seed = Math.floor(Math.random() * 1e6);
    seed.value = String(settings.seed);
    many();
  });
  const options = el(
    "div",
    { class: "options" },
    field("Seed", seed, next),
    slider(
      "Temperature",
      { min: 0.1, max: 2, step: 0.05, value: 1 },
      (value) => {
        settings.temperature = value;
        many();
      },
      (value) => value.toFixed(2),
    ).element,
  );
  if (context.about.likelihood) {
    options.append(
      tick("Draw from the likelihood", false, (on) => {
        settings.sample = on;
        many();
      }),
    );
  }
  place.append(
    choice.element,
    el(
      "div",
      { class: "two" },
      el(
        "div",
        { class: "styled" },
        el("h3", { text: "One row, style by style" }),
        el("div", { class: "large" }, large.element),
        el("div", { class: "sliders" }, ...sliders.map((each) => each.element)),
        el(
          "div",
          { class: "buttons" },
          button("Classify it", look, { class: "main" }),
          button("Mean style", () => setStyle(new Float32Array(styles.width))),
          button("Random style", () => setStyle(styles.drawn(Math.floor(Math.random() * 1e9)))),
        ),
      ),
      el(
        "div",
        { class: "many" },
        el("h3", { text: "Many, by a seed" }),
        rows.element,
        options,
        el("p", { class: "hint", text: "The same label and seed give the same rows in Python." }),
      ),
    ),
  );
  changed();
}

interface Gallery {
  readonly element: HTMLElement;
  show(values: Float32Array, caption: string): void;
}

/** Pictures or curves, each of which can be chosen. */
function tiles(context: Context, chosen: (index: number) => void): Gallery {
  const views = Array.from({ length: TILES }, () => rowView(context, ""));
  const buttons = views.map((view, i) => {
    view.element.removeAttribute("role");
    view.element.removeAttribute("aria-label");
    view.element.setAttribute("aria-hidden", "true");
    const tile = el("button", { type: "button", class: "tile" }, view.element);
    tile.addEventListener("click", () => chosen(i));
    return tile;
  });
  const element = el("div", { class: `tiles of-${context.kind}` }, ...buttons);
  const show = (values: Float32Array, caption: string): void => {
    const size = values.length / TILES;
    views.forEach((view, i) => view.show(values.subarray(i * size, (i + 1) * size)));
    buttons.forEach((tile, i) =>
      tile.setAttribute("aria-label", `${caption} number ${i + 1}: take its style`),
    );
  };
  return { element, show };
}

/** A table of generated rows. */
function lines(context: Context, chosen: (index: number) => void): Gallery {
  const heads = names(context).map((name) => el("th", { scope: "col", text: name }));
  const body = el("tbody");
  const table = el(
    "table",
    {},
    el("caption", { text: "Generated rows" }),
    el("thead", {}, el("tr", {}, el("td"), ...heads)),
    body,
  );
  const show = (values: Float32Array, caption: string): void => {
    const size = values.length / LINES;
    const made = Array.from({ length: LINES }, (_, i) => {
      const row = values.subarray(i * size, (i + 1) * size);
      const take = button("Take", () => chosen(i), {
        "aria-label": `Take the style of ${caption} number ${i + 1}`,
      });
      return el(
        "tr",
        {},
        el("td", {}, take),
        ...cells(context, row).map(([, value]) => el("td", { text: value })),
      );
    });
    body.replaceChildren(...made);
  };
  return {
    element: el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Generated rows" },
      table,
    ),
    show,
  };
}
