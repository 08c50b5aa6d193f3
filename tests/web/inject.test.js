import assert from "node:assert/strict";
import { test } from "node:test";

import { fromHalf, readIdentity, stamp, toHalf, writeIdentity } from "../../web/inject.js";
import { apart, bytes, golden } from "./golden.js";

const known = golden("inject");
const manifest = { graphs: { swap: { sha256: known.sha256, inputs: { kernels: [64] } } } };
const file = bytes(known.file).slice().buffer;

test("an identity written by Python is read", () => {
  assert.ok(apart(readIdentity(file, manifest), known.kernels) < 1e-9);
});

test("what the page writes it reads back, in half precision", async () => {
  const kernels = Float32Array.from(known.kernels);
  const again = readIdentity(await writeIdentity(kernels, manifest).arrayBuffer(), manifest);
  assert.deepEqual(Array.from(again), Array.from(kernels));
});

test("every half-precision number survives", () => {
  for (let half = 0; half < 0x7c00; half++) assert.equal(toHalf(fromHalf(half)), half);
  assert.equal(toHalf(-fromHalf(0x3555)), 0xb555);
});

test("numbers between two halves go to the nearer, ties to the even one", () => {
  assert.equal(toHalf(1 + 1 / 2048), 0x3c00);
  assert.equal(toHalf(1 + 3 / 2048), 0x3c02);
  assert.equal(toHalf(1 + 1.1 / 2048), 0x3c01);
  assert.equal(toHalf(2047.9), 0x6800);
});

test("a half-precision pack keeps the stamp of the graph that it was made from", () => {
  const swap = { sha256: "f".repeat(64), made_from: known.sha256, inputs: { kernels: [64] } };
  assert.equal(stamp({ graphs: { swap } }), stamp(manifest));
});

test("other files are refused by name", () => {
  const other = { graphs: { swap: { ...manifest.graphs.swap, sha256: "f".repeat(64) } } };
  assert.throws(() => readIdentity(file, other), /made for other weights/);
  assert.throws(() => readIdentity(file.slice(0, -2), manifest), /expected 64/);
  assert.throws(
    () => readIdentity(new ArrayBuffer(40), manifest, "x.idn"),
    /x.idn: not an identity/,
  );
});
