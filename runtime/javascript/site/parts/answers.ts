/** An answer as people read it: bars, how sure, how familiar. */

import type { AnyAnswer } from "../../src/labels/registry.js";
import { rowOf } from "../../src/labels/space.js";
import type { Scores } from "../../src/answers.js";
import type { Context } from "../context.js";
import { el } from "../dom.js";
import { digits } from "./rows.js";

/** Shows answers, one after another, in place. */
export interface AnswerView {
  readonly element: HTMLElement;
  show(answer: AnyAnswer | undefined, scores: Scores | undefined): void;
}

const MANY = 12; // bars

/** A view of answers: the bars keep their places, so that they are seen to move. */
export function answerView({ about, said }: Context): AnswerView {
  const { space } = about;
  const bars = barsOf(space.name === "one-class" ? [] : space.names, space.name === "numbers");
  const verdict = el("p", { class: "verdict", "aria-live": "polite" });
  const sure = el("p", { class: "sure" });
  const familiar = meterOf("How familiar this row is, next to validation rows");
  const element = el("div", { class: "answer" }, verdict, sure, bars.element, familiar.element);
  const show = (answer: AnyAnswer | undefined, scores: Scores | undefined): void => {
    if (answer) {
      const [first, second] = words(answer, about.space.names);
      verdict.textContent = first;
      said.set(first);
      sure.textContent = second;
      bars.show(shares(answer));
    }
    familiar.element.hidden = !scores;
    if (scores) familiar.show(scores.rank[0] ?? Number.NaN, familiarity(scores));
  };
  return { element, show };
}

/** What a bar shows: its share of the width, its text, and whether it is what is predicted. */
interface Bar {
  readonly share: number;
  readonly text: string;
  readonly best: boolean;
}

function shares(answer: AnyAnswer): Bar[] {
  if (answer.space === "one-class") return [];
  if (answer.space === "numbers") {
    const [mean, scale] = [rowOf(answer.mean, 0), rowOf(answer.scale, 0)];
    const text = (value: number, i: number): string =>
      `${digits(value)} ± ${digits(scale[i] ?? 0)}`;
    return [...mean].map((value, i) => ({ share: 0, text: text(value, i), best: false }));
  }
  const predicted = (i: number): boolean =>
    answer.space === "tags" ? (answer.labels[0]?.[i] ?? false) : answer.labels[0] === i;
  return [...rowOf(answer.probs, 0)].map((share, i) => ({
    share,
    text: percent(share),
    best: predicted(i),
  }));
}

function words(answer: AnyAnswer, names: readonly string[]): [what: string, sure: string] {
  if (answer.space === "classes") {
    const [best, next] = answer.top(2)[0] ?? [];
    const p = best?.[1] ?? 0;
    const rival = next && p < 0.99 ? `, before ${next[0]} with ${percent(next[1])}` : "";
    return [best?.[0] ?? "", `${sureness(p)}: ${percent(p)}${rival}`];
  }
  if (answer.space === "tags") {
    const tags = answer.names[0] ?? [];
    const probs = [...rowOf(answer.probs, 0)].map((p) => Math.max(p, 1 - p));
    const least = Math.min(...probs);
    return [
      tags.join(", ") || "no tag",
      `Least sure of ${names[probs.indexOf(least)] ?? ""}: ${percent(least)}`,
    ];
  }
  if (answer.space === "numbers") {
    const [mean, scale] = [answer.mean.data, answer.scale.data];
    const [centre, far] = [mean[0] ?? 0, 2 * (scale[0] ?? 0)];
    const two = `${digits(centre - far)} and ${digits(centre + far)}`;
    return [`${digits(mean[0] ?? 0)}`, `${names[0] ?? ""}: 95 % lies between ${two}`];
  }
  const score = `Score ${digits(answer.score[0] ?? 0)}`;
  return [answer.names[0] ?? "", `${score}: higher is stranger`];
}

function sureness(p: number): string {
  if (p >= 0.99) return "Very sure";
  return p >= 0.9 ? "Sure" : p >= 0.6 ? "Rather sure" : "Not sure";
}

function familiarity({ rank: [rank = Number.NaN], score: [score = 0], unit }: Scores): string {
  if (Number.isNaN(rank)) return `Score ${digits(score)}${unit && ` ${unit}`}: higher is stranger`;
  if (rank < 0.005) return "Strange: hardly any validation row is as strange";
  if (rank < 0.05) return `Unusual: ${percent(rank)} of validation rows are as strange`;
  return `Familiar: ${percent(rank)} of validation rows are as strange or stranger`;
}

function percent(share: number): string {
  const value = 100 * share;
  return `${value >= 0.05 && value < 0.95 ? value.toFixed(1) : value.toFixed(0)} %`;
}

interface Bars {
  readonly element: HTMLElement;
  show(values: readonly Bar[]): void;
}

function barsOf(names: readonly string[], plain: boolean): Bars {
  const lines = names.map((name) => {
    const fill = el("span", { class: "fill" });
    const value = el("span", { class: "share" });
    const track = el("span", { class: "track", "aria-hidden": "true" }, fill);
    const line = el("li", {}, el("span", { class: "name", text: name }), track, value);
    return { line, fill, value };
  });
  const many = names.length > MANY;
  const element = el(
    "ul",
    { class: `bars${plain ? " plain" : ""}` },
    ...lines.map((each) => each.line),
  );
  const show = (values: readonly Bar[]): void => {
    const share = (i: number): number => values[i]?.share ?? 0;
    const order = [...values.keys()].sort((a, b) => share(b) - share(a));
    lines.forEach(({ line, fill, value }, i) => {
      fill.style.transform = `scaleX(${share(i)})`;
      value.textContent = values[i]?.text ?? "";
      line.classList.toggle("best", values[i]?.best ?? false);
      line.hidden = many && order.indexOf(i) >= MANY;
      if (many) line.style.order = String(order.indexOf(i));
    });
  };
  return { element, show };
}

interface Meter {
  readonly element: HTMLElement;
  show(share: number, text: string): void;
}

function meterOf(name: string): Meter {
  const mark = el("span", { class: "mark" });
  const text = el("p", { class: "familiar-text" });
  const scale = el("div", { class: "scale", "aria-hidden": "true" }, mark);
  const element = el(
    "div",
    { class: "familiar", hidden: true, role: "group", "aria-label": name },
    text,
    scale,
  );
  const show = (share: number, said: string): void => {
    mark.style.insetInlineStart = `${100 * Math.min(Math.sqrt(share), 1)}%`;
    element.classList.toggle("strange", share < 0.05);
    scale.hidden = Number.isNaN(share);
    text.textContent = said;
  };
  return { element, show };
}
