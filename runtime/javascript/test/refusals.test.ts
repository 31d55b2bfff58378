/** What is refused, by which error, and what it says. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import { load, InputError } from "../src/node.js";
import { bundle, files, zip } from "./helpers.js";

const TINY = "golden/m2-tiny";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function changed(name: string, change: (manifest: Record<string, unknown>) => void): Uint8Array {
  const contents = files(name);
  const manifest = JSON.parse(new TextDecoder().decode(contents["manifest.json"])) as Record<
    string,
    unknown
  >;
  change(manifest);
  contents["manifest.json"] = text(JSON.stringify(manifest));
  return zip(contents);
}

test("a zip and an address work as a folder does", async () => {
  const archive = zip(files(TINY));
  const folder = await load(bundle(TINY));
  const { id } = folder.info;
  assert.equal((await load(archive)).info.id, id);
  assert.equal((await load(new Blob([archive as BlobPart]))).info.id, id);
  assert.match(id, /^[0-9a-f]{64}$/);
  const contents = files(TINY);
  const server = createServer((request, response) => {
    const name = (request.url ?? "").slice(1);
    const body = name === "m.ssdgm.zip" ? archive : contents[name.replace("folder/", "")];
    response.writeHead(body ? 200 : 404).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  assert.equal((await load(`${base}/m.ssdgm.zip`)).info.id, id);
  assert.equal((await load(`${base}/folder/`)).info.id, id);
  assert.equal((await load(new URL(`${base}/folder`))).info.id, id);
  await assert.rejects(load(`${base}/nothing`), { name: "FormatError" });
  server.close();
});

test("nothing at a place", async () => {
  await assert.rejects(load("/nowhere.ssdgm"), { name: "BundleNotFound" });
  await assert.rejects(load(text("hello")), { name: "FormatError" });
});

test("every changed byte is noticed when a file is used", async () => {
  const contents = files(TINY);
  const name = "models/classifier/fp32/model.onnx";
  const graph = contents[name] ?? new Uint8Array();
  contents[name] = graph.map((byte, i) => (i === 100 ? byte ^ 1 : byte));
  const model = await load(zip(contents));
  const row = { data: new Uint8Array(64), shape: [1, 8, 8] };
  await assert.rejects(model.classify(row), {
    name: "IntegrityError",
    message: `${name} differs from its digest in SHA256SUMS. Copy the bundle again from where it was made.`,
  });
  await assert.rejects(load(changed(TINY, (m) => delete m["description"])), {
    name: "IntegrityError",
  });
});

test("missing, extra and unsafe files are refused", async () => {
  const without = files(TINY);
  delete without["golden/classifier/x.npy"];
  await assert.rejects(load(zip(without)), /golden\/classifier\/x.npy is missing/);
  await assert.rejects(load(zip({ ...files(TINY), "models/other.onnx": text("") })), /not listed/);
  await assert.rejects(load(zip({ ...files(TINY), "../out": text("") })), {
    name: "IntegrityError",
  });
  const cut = zip(files(TINY));
  await assert.rejects(load(cut.slice(0, cut.length - 50)), { name: "IntegrityError" });
});

test("what this reader does not know is refused by name", async () => {
  await assert.rejects(load(bundle("runtime/data/masked")), { name: "UnsupportedVersion" });
});

test("rows of another shape, dtype or range are refused", async () => {
  const model = await load(bundle(TINY));
  const flat = { data: new Uint8Array(64), shape: [8, 8] };
  await assert.rejects(model.classify(flat), (error: InputError) => {
    assert.equal(error.argument, "x");
    assert.equal(
      error.message,
      "x is uint8 [8, 8]; expected uint8 [n, 8, 8]. Try: { data: x.data, shape: [1, ...x.shape] }",
    );
    return error instanceof InputError;
  });
  const real = { data: new Float32Array(64), shape: [1, 8, 8] };
  await assert.rejects(model.classify(real), /float32 \[1, 8, 8\]; expected uint8/);
  const high = [Array.from({ length: 8 }, () => Array.from({ length: 8 }, () => 256))];
  await assert.rejects(model.classify(high), /256 in one place/);
  await assert.rejects(model.classify([[1], [2, 3]]), { name: "InputError" });
  await assert.rejects(model.classify([{ a: 1 }]), /does not know the names/);
});

test("labels that the bundle does not have are refused", async () => {
  const model = await load(bundle(TINY));
  await assert.rejects(model.generate("ten"), /index from 0 to 9 or a name among 0, 1/);
  await assert.rejects(model.generate(10), { name: "InputError" });
  await assert.rejects(model.generate("1", 1.5), /n is 1.5/);
  await assert.rejects(model.score([[0]]), /Convert its run again with --score/);
  await assert.rejects(model.generate(0, 1, { temperature: 0 }), { name: "InputError" });
});
