/**
 * Builds what is made of the TypeScript here, each by one command:
 *
 *   npm run build      the page that `ssdgm-export deploy web` copies, into ssdgm_export/deploy/site
 *   npm run check      types, and whether the built page is that of these sources
 *   npm test           the tests, in Node
 *   npm run browser    those of the page, in Chromium; `make web` makes the sites that they open
 *   npm pack           dist/, the package
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import * as esbuild from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const SITE = join(HERE, "../../ssdgm_export/deploy/site");
const SHARED = {
  absWorkingDir: HERE,
  bundle: true,
  format: "esm",
  target: "es2022",
  logLevel: "warning",
};
const COPIED = ["index.html", "icon.svg", "licenses.txt"];

/** The page's files by name. */
async function page() {
  const built = await esbuild.build({
    ...SHARED,
    entryPoints: { app: "site/app.ts", worker: "site/worker.ts", style: "site/style/style.css" },
    outdir: "site",
    minify: true,
    legalComments: "none",
    write: false,
    banner: { js: "/* Built from runtime/javascript by `npm run build`. Apache-2.0. */" },
  });
  const files = new Map(
    built.outputFiles.map((file) => [file.path.split(/[\\/]/).pop(), file.contents]),
  );
  for (const name of COPIED) files.set(name, await readFile(join(HERE, "site", name)));
  files.set("SOURCES", Buffer.from(await sources()));
  return files;
}

/** The digest of every source of the page, so that a check without Node can see a stale one. */
async function sources() {
  const names = ["package-lock.json", "build.mjs"];
  for (const folder of ["src", "site"]) {
    const entries = await readdir(join(HERE, folder), { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((each) => each.isFile())) {
      names.push(
        join(entry.parentPath, entry.name)
          .slice(HERE.length + 1)
          .replaceAll("\\", "/"),
      );
    }
  }
  const lines = [];
  for (const name of names.sort()) {
    const digest = createHash("sha256")
      .update(await readFile(join(HERE, name)))
      .digest("hex");
    lines.push(`${digest}  ${name}\n`);
  }
  return lines.join("");
}

async function writePage() {
  await mkdir(SITE, { recursive: true });
  for (const [name, contents] of await page()) await writeFile(join(SITE, name), contents);
}

async function checkPage() {
  for (const [name, contents] of await page()) {
    const there = await readFile(join(SITE, name)).catch(() => undefined);
    if (!there?.equals(Buffer.from(contents))) {
      throw new Error(
        `ssdgm_export/deploy/site/${name} is not that of these sources: npm run build`,
      );
    }
  }
}

async function writePackage() {
  await rm(join(HERE, "dist"), { recursive: true, force: true });
  const entryPoints = ["src/index.ts", "src/node.ts"];
  await esbuild.build({
    ...SHARED,
    entryPoints,
    outdir: "dist",
    packages: "external",
    sourcemap: true,
  });
  const types = [
    "--declaration",
    "--emitDeclarationOnly",
    "--noEmit",
    "false",
    "--outDir",
    "dist/types",
  ];
  execFileSync("npx", ["tsc", "--project", "tsconfig.package.json", ...types], {
    cwd: HERE,
    stdio: "inherit",
  });
}

async function writeTests() {
  await rm(join(HERE, "build"), { recursive: true, force: true });
  const names = await readdir(join(HERE, "test"), { recursive: true });
  const entryPoints = names.filter((name) => name.endsWith(".test.ts"));
  await esbuild.build({
    ...SHARED,
    entryPoints: entryPoints.map((name) => `test/${name}`),
    outdir: "build/test",
    outbase: "test",
    packages: "external",
    platform: "node",
    sourcemap: "inline",
    outExtension: { ".js": ".mjs" },
  });
}

const tasks = { "--check": checkPage, "--package": writePackage, "--tests": writeTests };
await (tasks[process.argv[2]] ?? writePage)();
