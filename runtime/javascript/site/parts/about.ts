/** The badges at the top and the last panel: what this is, and whether this device agrees. */

import type { Check, VerifyReport } from "../../src/answers.js";
import type { Context } from "../context.js";
import { byId, el } from "../dom.js";
import { digits } from "./rows.js";

/** The badges: whether golden rows agree, latency, size. */
export function badges(context: Context): (report: VerifyReport) => void {
  const { bytes } = context.site;
  const size = badge(
    "Size",
    `${megabytes(bytes.total)}, ${megabytes(bytes.engine)} of it the engine`,
  );
  const speed = badge("Latency", "…");
  const golden = badge("Golden rows", "checking …");
  byId("badges").append(golden.element, speed.element, size.element);
  context.latency.watch((milliseconds) => {
    speed.say(milliseconds ? `${milliseconds.toFixed(1)} ms an answer` : "…");
  });
  return (report) => {
    const worst = Math.max(...report.checks.map((check) => check.worst));
    const rows = report.checks.reduce((sum, check) => sum + check.rows, 0);
    golden.say(report.passed ? `this device agrees on all ${rows}` : "this device differs");
    golden.element.classList.add(report.passed ? "good" : "bad");
    golden.element.title = `The largest difference is ${(100 * worst).toFixed(1)} % of what is allowed`;
  };
}

interface Badge {
  readonly element: HTMLElement;
  say(text: string): void;
}

function badge(name: string, text: string): Badge {
  const value = el("span", { text });
  const element = el("li", { class: "badge" }, el("b", { text: name }), value);
  return { element, say: (next) => (value.textContent = next) };
}

/** The last panel. */
export function aboutPanel(context: Context, report: VerifyReport, place: HTMLElement): void {
  const { model, site, about } = context;
  const { info } = model;
  const facts: [string, string][] = [
    ["Bundle", `${info.name} ${info.version}`],
    ["Method", text(about.section["model"], "family")],
    ["Trained on", trained(about.section["training"])],
    ["Can", info.tasks.join(", ")],
    ["Labels", `${info.labels.length} (${info.space})`],
    ["License", String(about.section["license"] ?? "not stated")],
    [
      "Engine",
      `onnxruntime-web ${report.onnxruntime}, ${info.provider === "webgpu" ? "WebGPU" : "WebAssembly"}`,
    ],
    [
      "Page",
      `ssdgm-export ${site.version}; model ${megabytes(site.bytes.bundle)}, page and engine ${megabytes(site.bytes.total - site.bytes.bundle)}`,
    ],
    ["Id", info.id],
  ];
  const list = facts
    .filter(([, value]) => value)
    .map(([name, value]) => el("div", {}, el("dt", { text: name }), el("dd", { text: value })));
  const link = el("a", {
    href: site.bundle,
    download: `${info.name}.ssdgm.zip`,
    class: "button",
    text: "Download the bundle",
  });
  place.append(
    el("dl", { class: "facts" }, ...list),
    checksTable(report.checks),
    el("div", { class: "buttons" }, link),
  );
}

function checksTable(checks: readonly Check[]): HTMLElement {
  const heads = ["Graph", "Precision", "Rows", "Largest difference", "Of what is allowed", ""];
  const lines = checks.map((check) =>
    el(
      "tr",
      {},
      el("th", { scope: "row", text: check.component }),
      ...[
        check.precision,
        String(check.rows),
        check.maxAbs.toExponential(1),
        `${digits(100 * check.worst)} %`,
        check.passed ? "agrees" : "differs",
      ].map((value) => el("td", { text: value })),
    ),
  );
  const table = el(
    "table",
    {},
    el("caption", { text: "Golden rows: what the maker's machine computed, computed here" }),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        ...heads.map((head) => (head ? el("th", { scope: "col", text: head }) : el("td"))),
      ),
    ),
    el("tbody", {}, ...lines),
  );
  return el(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Golden rows" },
    table,
  );
}

function text(section: unknown, key: string): string {
  const value = (section as Record<string, unknown> | undefined)?.[key];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function trained(section: unknown): string {
  const [set, labelled] = [text(section, "dataset"), text(section, "labelled")];
  const unlabelled = text(section, "unlabelled");
  const rows = labelled
    ? `${labelled} labelled rows${unlabelled ? `, ${unlabelled} unlabelled` : ""}`
    : "";
  return [set, rows].filter(Boolean).join(": ");
}

/** Bytes as people read them. */
export function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
