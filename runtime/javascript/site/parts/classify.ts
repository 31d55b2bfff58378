/** The first panel: a row goes in, by whatever means it has, and the answer moves with it. */

import type { Context } from "../context.js";
import { el, latest } from "../dom.js";
import { answerView } from "./answers.js";

/** Show what the model says of the context's row, now and whenever it changes. */
export function classifyPanel(context: Context, place: HTMLElement, input: HTMLElement): void {
  const view = answerView(context);
  place.append(el("div", { class: "two" }, input, view.element));
  let warm = false;
  const answer = latest(async () => {
    const { x } = context.row.get();
    if (!warm && context.can("classify")) await context.model.classify(x); // opens the graph
    warm = true;
    const start = performance.now();
    const said = context.can("classify") ? await context.model.classify(x) : undefined;
    if (said) context.latency.set(performance.now() - start);
    const scores = context.can("score") ? await context.model.score(x) : undefined;
    view.show(said, scores);
    performance.mark("answered");
  });
  context.row.watch(answer);
}
