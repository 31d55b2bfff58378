/** The input of tables: a form with a control for every column. */

import type { Column } from "../../src/rows/columns.js";
import { rowFrom, type Context } from "../context.js";
import { button, el, field } from "../dom.js";
import { digits, names } from "../parts/rows.js";

interface Control {
  readonly element: HTMLElement;
  read(): number;
  write(value: number): void;
}

/** The form; whatever is filled in becomes the context's row. */
export function formInput(context: Context): HTMLElement {
  const changed = (): void => {
    const values = controls.map((control) => control.read());
    context.row.set({ x: rowFrom(context.model, values), source: "form" });
  };
  const { columns } = context.about;
  const controls: Control[] = names(context).map((name, i) => {
    const column = columns[i];
    return column && column.kind !== "number"
      ? categoryControl(column, changed)
      : numberControl(
          name,
          column?.unit ?? "",
          column?.range ?? spread(context, i),
          columns.length > 0,
          changed,
        );
  });
  const width = controls.length;
  let filling = false;
  context.row.watch(({ x, source }) => {
    if (source === "form" || filling) return;
    controls.forEach((control, i) => control.write(Number(x.data[i] ?? NaN)));
  });
  const example = (): void => {
    const at = Math.floor(Math.random() * (context.examples.shape[0] ?? 1));
    const values = context.examples.data.subarray(at * width, (at + 1) * width);
    context.row.set({ x: rowFrom(context.model, values), source: "made" });
  };
  const blank = (): void => {
    filling = true;
    controls.forEach((control) => control.write(Number.NaN));
    filling = false;
    changed();
  };
  const fields = el("div", { class: "fields" }, ...controls.map((control) => control.element));
  const buttons = el(
    "div",
    { class: "buttons" },
    button("Show me one", example, { class: "main" }),
  );
  if (columns.length) buttons.append(button("Leave all open", blank));
  return el("div", { class: "input" }, fields, buttons);
}

/** The range of a value among the examples. */
function spread({ examples }: Context, at: number): readonly [number, number] {
  const [rows = 0, width = 1] = examples.shape;
  const values = Array.from({ length: rows }, (_, i) => examples.data[i * width + at] ?? 0);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = (high - low || 1) / 2;
  return [low - margin, high + margin];
}

/** A slider beside the number itself; left empty, the value is missing. */
function numberControl(
  name: string,
  unit: string,
  [min, max]: readonly [number, number],
  gaps: boolean,
  changed: () => void,
): Control {
  const step = stepOf(max - min);
  const number = el("input", { type: "number", step: "any", placeholder: gaps ? "missing" : "0" });
  const range = el("input", { type: "range", min, max, step, "aria-label": `${name}, slider` });
  range.addEventListener("input", () => {
    number.value = String(Number(range.valueAsNumber.toPrecision(6)));
    changed();
  });
  number.addEventListener("input", () => {
    if (number.value) range.valueAsNumber = number.valueAsNumber;
    changed();
  });
  const shown = unit ? `${name} (${unit})` : name;
  return {
    element: field(shown, number, range),
    read: () => (number.value ? number.valueAsNumber : gaps ? Number.NaN : 0),
    write: (value) => {
      number.value = Number.isNaN(value) ? "" : digits(value).replaceAll(",", "");
      if (!Number.isNaN(value)) range.valueAsNumber = value;
    },
  };
}

/** A step of 1, 2 or 5 of some power of ten, a two-hundredth of the span or so. */
function stepOf(span: number): number {
  const power = 10 ** Math.floor(Math.log10(span / 200 || 1));
  return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= span / 200) ?? power;
}

function categoryControl({ name, categories }: Column, changed: () => void): Control {
  const select = el(
    "select",
    {},
    el("option", { value: -1, text: "missing" }),
    ...categories.map((category, i) => el("option", { value: i, text: category })),
  );
  select.addEventListener("change", changed);
  return {
    element: field(name, select),
    read: () => Number(select.value),
    write: (value) => (select.value = String(Number.isNaN(value) ? -1 : value)),
  };
}
