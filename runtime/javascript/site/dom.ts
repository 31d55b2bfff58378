/** Elements, without a framework. */

type Child = Node | string;

interface Properties {
  readonly class?: string;
  readonly text?: string;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
  readonly [attribute: string]: unknown;
}

/** An element with attributes, listeners (`on`) and children. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  const { text, on = {}, ...attributes } = properties;
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  if (text !== undefined) element.append(text);
  element.append(...children);
  return element;
}

/** The element of the page with an id; the page's own HTML has it. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new ReferenceError(`the page has no #${id}`);
  return element;
}

/** A button. */
export function button(
  text: string,
  action: () => void,
  properties: Properties = {},
): HTMLButtonElement {
  return el("button", { type: "button", ...properties, text, on: { click: action } });
}

let counter = 0;

/** A label above a control, which it names. */
export function field(name: string, control: HTMLElement, ...more: readonly Child[]): HTMLElement {
  control.id ||= `control-${++counter}`;
  return el(
    "div",
    { class: "field" },
    el("label", { for: control.id, text: name }),
    control,
    ...more,
  );
}

/** A box to tick, with its label behind it. */
export function tick(name: string, checked: boolean, action: (on: boolean) => void): HTMLElement {
  const box = el("input", { type: "checkbox", checked });
  box.addEventListener("change", () => action(box.checked));
  return el("label", { class: "tick" }, box, el("span", { text: name }));
}

/** A slider with its value shown. */
export interface Slider {
  readonly element: HTMLElement;
  value: number;
}

interface Range {
  readonly min: number;
  readonly max: number;
  readonly step: number | "any";
  readonly value: number;
}

/** A slider; `shown` writes its value. */
export function slider(
  name: string,
  range: Range,
  action: (value: number) => void,
  shown: (value: number) => string = (value) => value.toFixed(1),
): Slider {
  const { value, ...limits } = range;
  const input = el("input", { type: "range", ...limits });
  const output = el("output");
  const show = (): void => {
    output.textContent = shown(input.valueAsNumber);
    input.setAttribute("aria-valuetext", shown(input.valueAsNumber));
  };
  input.valueAsNumber = value;
  show();
  input.addEventListener("input", () => {
    show();
    action(input.valueAsNumber);
  });
  return {
    element: field(name, input, output),
    get value() {
      return input.valueAsNumber;
    },
    set value(next: number) {
      input.valueAsNumber = next;
      show();
    },
  };
}

/** Run an action no more than once at a time; of calls meanwhile only the last counts. */
export function latest(action: () => Promise<void>): () => void {
  let [running, again] = [false, false];
  const run = async (): Promise<void> => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      do {
        again = false;
        await action();
      } while (again);
    } catch (error) {
      report(error);
    } finally {
      running = false;
    }
  };
  return () => void run();
}

/** Say an error where everybody sees it, and screen readers say it. */
export function report(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  const place = byId("alert");
  place.textContent = message;
  place.hidden = false;
}
