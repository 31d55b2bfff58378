/** The page in Chromium, on sites of three bundles: `make web` builds them and runs this. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import type { Site } from "../../site/context.js";
import { expected, Stage, type Visit } from "./browser.js";

const SITES = ["digits", "pictures", "table"];
const MOST = 1.5e6; // bytes beyond the engine's
const SOON = 2000; // milliseconds
const SHOTS = process.env["SCREENSHOTS"];

let stage: Stage;
before(async () => {
  stage = await Stage.open();
});
after(() => stage.close());

for (const site of SITES) {
  test(`${site}: answers soon, agrees with its golden rows, is small`, async () => {
    const times: number[] = [];
    for (let i = 0; i < 3; i++) {
      const visit = await stage.visit(site);
      times.push(await visit.firstAnswer());
      assert.match(await visit.text("#badges"), /this device agrees on all \d+/);
      assert.match(await visit.text("#badges"), /[\d.]+ ms an answer/);
      await visit.done();
    }
    const soonest = Math.min(...times);
    console.log(`${site}: first answer after ${times.map((t) => t.toFixed(0)).join(", ")} ms`);
    assert.ok(soonest < SOON, `the first answer came after ${soonest} ms`);
    const visit = await stage.visit(site);
    const { bytes } = (await (await fetch(`${visit.address}site.json`)).json()) as Site;
    assert.ok(bytes.total - bytes.engine < MOST, `${bytes.total - bytes.engine} bytes`);
    await visit.done();
  });

  test(`${site}: nothing serious for axe, in light and dark, wide and narrow`, async () => {
    for (const [phone, dark] of [
      [false, false],
      [false, true],
      [true, false],
      [true, true],
    ] as const) {
      const visit = await stage.visit(site, { phone, dark });
      await visit.scroll();
      assert.deepEqual(await visit.audit(), []);
      const overflow = await visit.page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.ok(overflow <= 0, `the page is ${overflow} pixels too wide`);
      await picture(visit, `${site}-${phone ? "phone" : "desktop"}-${dark ? "dark" : "light"}`);
      await visit.done();
    }
  });

  test(`${site}: works without a network once it was there`, async () => {
    const visit = await stage.visit(site);
    await visit.page.evaluate(async () => {
      const { active } = await navigator.serviceWorker.ready;
      if (active?.state === "activated") return;
      await new Promise((resolve) =>
        active?.addEventListener("statechange", resolve, { once: true }),
      );
    });
    await visit.page.context().setOffline(true);
    await visit.page.reload();
    await visit.ready();
    assert.match(await visit.text("#badges"), /this device agrees/);
    await visit.page.context().close();
  });
}

async function picture(visit: Visit, name: string): Promise<void> {
  if (!SHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  await visit.page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}

for (const site of ["digits", "pictures"]) {
  test(`${site}: drawing moves the probabilities`, async () => {
    const visit = await stage.visit(site);
    const before = await visit.text(".bars");
    await stroke(visit, [
      [0.48, 0.2],
      [0.52, 0.8],
    ]);
    const one = await visit.changed(".bars", before);
    if (site === "digits") await said(visit, "1");
    await visit.page.click("button:has-text('Clear')");
    const none = await visit.changed(".bars", one);
    await stroke(visit, [
      [0.3, 0.25],
      [0.7, 0.25],
      [0.45, 0.8],
    ]);
    await visit.changed(".bars", none);
    if (site === "digits") await said(visit, "7");
    const drawn = await visit.levels(".preview");
    assert.ok(drawn[0]?.some((level) => level > 200));
    const restyled = await visit.levels(".strip canvas");
    assert.equal(restyled.length, 12);
    assert.notDeepEqual(restyled[2], restyled[3]);
    await visit.done();
  });

  test(`${site}: generates what Python generates`, async () => {
    const visit = await stage.visit(site);
    const known = expected()[site];
    assert.ok(known);
    const first = await visit.levels(".tiles canvas");
    await visit.page.click(`#generate .chip:has-text("${known.label}")`);
    await visit.page.fill("#seed", String(known.seed));
    await visit.page.waitForFunction(
      ([old]) => {
        const canvas = document.querySelector<HTMLCanvasElement>(".tiles canvas");
        const data =
          canvas
            ?.getContext("2d", { willReadFrequently: true })
            ?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
        return [...data].filter((_, i) => i % 4 === 0).join() !== old;
      },
      [first[0]?.join() ?? ""],
    );
    await visit.page.waitForTimeout(500);
    const tiles = await visit.levels(".tiles canvas");
    const [low, high] = known.range;
    known.x.forEach((row, i) =>
      row.forEach((value, k) => {
        const wanted = Math.min(Math.max(((value - low) / (high - low)) * 255, 0), 255);
        const level = tiles[i]?.[k] ?? -99;
        assert.ok(Math.abs(level - wanted) <= 1, `tile ${i}, pixel ${k}: ${level} for ${wanted}`);
      }),
    );
    await visit.done();
  });

  test(`${site}: keyboard, touch, files and the camera`, async () => {
    const visit = await stage.visit(site, { phone: true });
    const { page } = visit;
    let bars = await visit.text(".bars");
    await page.click("button:has-text('Clear')");
    bars = await visit.changed(".bars", bars);
    await page.focus(".pad");
    for (let i = 0; i < 8; i++) await page.keyboard.press("ArrowDown");
    bars = await visit.changed(".bars", bars);
    await page.click("button:has-text('Clear')");
    bars = await visit.changed(".bars", bars);
    await page.tap(".pad");
    bars = await visit.changed(".bars", bars);
    const buffer = await page.screenshot({ clip: { x: 0, y: 0, width: 200, height: 120 } });
    await page.setInputFiles("#picture-file", { name: "a.png", mimeType: "image/png", buffer });
    bars = await visit.changed(".bars", bars);
    await page.click("button:has-text('Camera')");
    await visit.changed(".bars", bars);
    await page.click("button:has-text('Hold')");
    await page.locator("#plane .plane").scrollIntoViewIfNeeded();
    const where = await visit.text("#plane .hint");
    await page.focus("#plane .plane");
    await page.keyboard.press("ArrowRight");
    assert.match(await visit.changed("#plane .hint", where), /Style 1 at 0.1, style 2 at 0.0/);
    await page.keyboard.press("ArrowUp");
    assert.match(await visit.text("#plane .hint"), /style 2 at 0.1/);
    await visit.done();
  });
}

async function said(visit: Visit, name: string): Promise<void> {
  await visit.page.waitForFunction(
    (text) => document.querySelector(".verdict")?.textContent === text,
    name,
  );
}

async function stroke(visit: Visit, points: readonly (readonly [number, number])[]): Promise<void> {
  const { page } = visit;
  await page.locator(".pad").scrollIntoViewIfNeeded();
  const box = await page.locator(".pad").boundingBox();
  assert.ok(box);
  const [first, ...others] = points.map(
    ([x, y]) => [box.x + x * box.width, box.y + y * box.height] as const,
  );
  assert.ok(first);
  await page.mouse.move(...first);
  await page.mouse.down();
  for (const point of others) await page.mouse.move(...point, { steps: 8 });
  await page.mouse.up();
}

test("table: a form that answers, with values left open", async () => {
  const visit = await stage.visit("table");
  const { page } = visit;
  let bars = await visit.text(".bars");
  await page.fill("#classify input[type=number] >> nth=0", "11.2");
  bars = await visit.changed(".bars", bars);
  await page.selectOption("#classify select >> nth=0", { label: "white" });
  bars = await visit.changed(".bars", bars);
  await page.click("text=Leave all open");
  await visit.changed(".bars", bars);
  assert.match(await visit.text(".familiar"), /validation rows|Score/);
  assert.match(await visit.text("#restyle-body"), /colour/);
  const row = await visit.text("#generate tbody tr");
  await page.click("text=Another seed");
  await visit.changed("#generate tbody tr", row);
  await visit.done();
});

const KINDS: readonly (readonly [site: string, panels: string, sure: RegExp])[] = [
  ["tagged", "classify,generate,restyle,about", /^Least sure of red/],
  ["measured", "classify,generate,restyle,about", /^heat: 95 % lies between/],
  ["watchful", "classify,about", /^Score .*higher is stranger$/],
  ["mixture", "classify,generate,about", /ure: \d+ %/],
  ["adversary", "generate,about", /^$/],
];

for (const [site, panels, sure] of KINDS) {
  test(`${site}: a page for other labels and graphs`, async () => {
    const visit = await stage.visit(site);
    const shown = await visit.page.$$eval("section:not([hidden])", (all) => all.map((s) => s.id));
    assert.equal(shown.join(), panels);
    const place = visit.page.locator(".sure");
    assert.match((await place.count()) ? ((await place.textContent()) ?? "") : "", sure);
    assert.deepEqual(await visit.audit(), []);
    await visit.done();
  });
}

test("a damaged bundle and a missing file are said on the page", async () => {
  const visit = await stage.visit("digits");
  const { page } = visit;
  await page.evaluate(async () => {
    for (const each of await navigator.serviceWorker.getRegistrations()) await each.unregister();
  });
  await page.route("**/*.ssdgm.zip", (route) => route.fulfill({ status: 404, body: "" }));
  await page.reload();
  await page.waitForSelector("#alert:not([hidden])");
  assert.match(await visit.text("#alert"), /is missing from this site/);
  await page.context().close();
});
