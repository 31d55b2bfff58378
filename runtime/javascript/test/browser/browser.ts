/** Chromium on sites that are served from a folder, as any file server would. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

/** The folder that `tests/web/sites.py` has filled. */
export const PLACE = process.env["SITES"] ?? "";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
];
const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript",
  mjs: "text/javascript",
  css: "text/css",
  json: "application/json",
  wasm: "application/wasm",
  svg: "image/svg+xml",
};
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 900 };

/** What Python generates with a site's bundle. */
export interface Expected {
  readonly label: string;
  readonly seed: number;
  readonly range: readonly [number, number];
  readonly x: readonly (readonly number[])[];
}

export const expected = (): Record<string, Expected> =>
  JSON.parse(readFileSync(join(PLACE, "expected.json"), "utf8")) as Record<string, Expected>;

/** A browser and a server of all sites. */
export class Stage {
  private constructor(
    private readonly browser: Browser,
    private readonly server: Server,
  ) {}

  static async open(): Promise<Stage> {
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? "/", "http://localhost");
      const name = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
      const type = TYPES[name.split(".").pop() ?? ""] ?? "application/octet-stream";
      readFile(join(PLACE, "sites", name)).then(
        (body) => response.writeHead(200, { "content-type": type }).end(body),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Stage(await chromium.launch({ executablePath: CHROMIUM, args: FLAGS }), server);
  }

  /** A site, loaded and checked. */
  async visit(site: string, options: { phone?: boolean; dark?: boolean } = {}): Promise<Visit> {
    const settings: BrowserContextOptions = {
      viewport: options.phone ? PHONE : DESK,
      colorScheme: options.dark ? "dark" : "light",
      hasTouch: options.phone ?? false,
      permissions: ["camera"],
    };
    const context = await this.browser.newContext(settings);
    const page = await context.newPage();
    const address = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/${site}/`;
    const visit = new Visit(page, address);
    await page.goto(address);
    await visit.ready();
    return visit;
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.server.close();
  }
}

/** One page, and all that went wrong on it. */
export class Visit {
  readonly problems: string[] = [];

  constructor(
    readonly page: Page,
    readonly address: string,
  ) {
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.problems.push(message.text());
    });
    page.on("pageerror", (error) => this.problems.push(error.message));
    page.on("request", (request) => {
      const own = request.url().startsWith(address) || /^(data|blob):/.test(request.url());
      if (!own) this.problems.push(`a request left the page: ${request.url()}`);
    });
  }

  /** Wait until the page has answered and checked itself. */
  async ready(): Promise<void> {
    await this.page.waitForFunction(
      () => document.documentElement.dataset["state"] !== undefined,
      null,
      {
        timeout: 60_000,
      },
    );
    const state = await this.page.evaluate(() => document.documentElement.dataset["state"]);
    assert.equal(state, "ready", this.problems.join("\n"));
  }

  /** Milliseconds from the start of the page to its first answer. */
  firstAnswer(): Promise<number> {
    return this.page.evaluate(
      () => performance.getEntriesByName("answered")[0]?.startTime ?? Infinity,
    );
  }

  /** The text of an element, once it differs from what it was. */
  async changed(selector: string, before: string): Promise<string> {
    await this.page.waitForFunction(
      ([place, old]) => document.querySelector(place ?? "")?.textContent !== old,
      [selector, before],
    );
    return this.text(selector);
  }

  async text(selector: string): Promise<string> {
    return (await this.page.textContent(selector)) ?? "";
  }

  /** Scroll through the page, so that all of it is computed, and back. */
  async scroll(): Promise<void> {
    await this.page.evaluate(async () => {
      for (let y = 0; y < document.body.scrollHeight; y += 500) {
        window.scrollTo({ top: y, behavior: "instant" });
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
      window.scrollTo({ top: 0, behavior: "instant" });
    });
    await this.page.waitForTimeout(500);
  }

  /** The grey levels of canvases, from 0 to 255. */
  levels(selector: string): Promise<number[][]> {
    return this.page.$$eval(selector, (found) =>
      found.map((element) => {
        const canvas = element as HTMLCanvasElement;
        const data =
          canvas
            .getContext("2d", { willReadFrequently: true })
            ?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
        return [...data].filter((_, i) => i % 4 === 0);
      }),
    );
  }

  /** What axe finds that is serious. */
  async audit(): Promise<string[]> {
    const source = readFileSync(
      createRequire(`${process.cwd()}/`).resolve("axe-core/axe.min.js"),
      "utf8",
    );
    await this.page.evaluate(source);
    return this.page.evaluate(async () => {
      const { axe } = window as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
      interface Violation {
        id: string;
        impact: string;
        nodes: { html: string }[];
      }
      const { violations } = await axe.run();
      const grave = violations.filter(
        ({ impact }) => impact === "serious" || impact === "critical",
      );
      return grave.map(
        ({ id, nodes }) =>
          `${id}: ${nodes
            .map((node) => node.html)
            .join(" ")
            .slice(0, 400)}`,
      );
    });
  }

  async done(): Promise<void> {
    assert.deepEqual(this.problems, []);
    await this.page.context().close();
  }
}
