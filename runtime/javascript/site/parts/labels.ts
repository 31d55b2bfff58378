/** Controls that choose a label, whatever labels are, and the labels to show side by side. */

import type { Context } from "../context.js";
import { el, slider } from "../dom.js";
import type { Labels } from "../../src/labels/space.js";
import { digits } from "./rows.js";

/** A control for a label. */
export interface Picker {
  readonly element: HTMLElement;
  /** The label to generate; undefined where the model takes none. */
  label(): Labels | undefined;
  /** What it is called. */
  caption(): string;
}

const CHIPS = 24; // classes, from which on a list is shown
const STEPS = 7;
const SPAN = 1.5; // deviations about the mean

/** Whether what is generated depends on a label. */
export function labelled({ about }: Context): boolean {
  return ["prior", "decoder"].some((part) =>
    about.graphs.get(part)?.inputs.some((tensor) => tensor.name === "y"),
  );
}

let groups = 0;

/** A control that calls `changed` when another label is chosen. */
export function picker(context: Context, changed: () => void): Picker {
  const { space } = context.about;
  if (!labelled(context) || space.name === "one-class") {
    const label = labelled(context) ? [0] : undefined;
    return { element: el("div", { hidden: true }), label: () => label, caption: () => "" };
  }
  if (space.name === "numbers") return numbersPicker(space, changed);
  if (space.name === "tags") return tagsPicker(space.names, changed);
  return space.names.length > CHIPS
    ? listPicker(space.names, changed)
    : chipsPicker(space.names, changed);
}

function chip(
  type: "radio" | "checkbox",
  name: string,
  group: string,
  checked: boolean,
): [HTMLElement, HTMLInputElement] {
  const input = el("input", { type, name: group, checked });
  return [el("label", { class: "chip" }, input, el("span", { text: name })), input];
}

function chipsPicker(names: readonly string[], changed: () => void): Picker {
  const group = `class-${++groups}`;
  let index = 0;
  const chips = names.map((name, i) => {
    const [element, input] = chip("radio", name, group, i === 0);
    input.addEventListener("change", () => {
      index = i;
      changed();
    });
    return element;
  });
  const element = el("fieldset", { class: "chips" }, el("legend", { text: "Class" }), ...chips);
  return { element, label: () => [index], caption: () => names[index] ?? "" };
}

function listPicker(names: readonly string[], changed: () => void): Picker {
  const options = names.map((name) => el("option", { text: name }));
  const select = el("select", { on: { change: changed } }, ...options);
  const element = el("label", { class: "field" }, el("span", { text: "Class" }), select);
  return { element, label: () => [select.selectedIndex], caption: () => select.value };
}

function tagsPicker(names: readonly string[], changed: () => void): Picker {
  const inputs: HTMLInputElement[] = [];
  const chips = names.map((name, i) => {
    const [element, input] = chip("checkbox", name, "", i === 0);
    input.addEventListener("change", changed);
    inputs.push(input);
    return element;
  });
  const chosen = (): string[] => names.filter((_, i) => inputs[i]?.checked);
  const element = el("fieldset", { class: "chips" }, el("legend", { text: "Tags" }), ...chips);
  return {
    element,
    label: () => [new Set(chosen())],
    caption: () => chosen().join(", ") || "none",
  };
}

interface NumbersSpace {
  readonly names: readonly string[];
  readonly means: readonly number[];
  readonly deviations: readonly number[];
}

function numbersPicker({ names, means, deviations }: NumbersSpace, changed: () => void): Picker {
  const sliders = names.map((name, i) => {
    const [mean, deviation] = [means[i] ?? 0, deviations[i] ?? 1];
    const [min, max] = [mean - 2.5 * deviation, mean + 2.5 * deviation];
    return slider(name, { min, max, step: "any", value: mean }, changed, digits);
  });
  const element = el("div", { class: "sliders" }, ...sliders.map((each) => each.element));
  const values = (): number[] => sliders.map((each) => each.value);
  return { element, label: () => [values()], caption: () => values().map(digits).join(", ") };
}

/** Labels to show side by side with what each is called: every class, every tag, low to high. */
export function everyLabel({ about }: Context): { labels: Labels; captions: readonly string[] } {
  const { space } = about;
  if (space.name === "numbers") {
    const steps = Array.from({ length: STEPS }, (_, i) => (2 * SPAN * i) / (STEPS - 1) - SPAN);
    const rows = steps.map((step) =>
      space.means.map((mean, k) => mean + (k === 0 ? step * (space.deviations[k] ?? 1) : 0)),
    );
    return {
      labels: rows,
      captions: rows.map((row) => `${space.names[0] ?? ""} ${digits(row[0] ?? 0)}`),
    };
  }
  if (space.name === "one-class") return { labels: [0], captions: space.names.slice(0, 1) };
  return { labels: space.names.map((_, i) => i), captions: space.names };
}
