import assert from "node:assert/strict";
import { test } from "node:test";

import { candidates, choose, sentence } from "../../web/device.js";

const laptop = { asked: null, apple: false, adapter: true, isolated: true, cores: 8 };

test("a GPU is taken when there is one", () => {
  assert.deepEqual(choose(laptop), { device: "webgpu", reason: "adapter found" });
  assert.equal(choose({ ...laptop, adapter: false }).device, "wasm");
});

test("iOS starts on WASM, and whoever asks gets what was asked for", () => {
  const phone = { ...laptop, apple: true };
  assert.equal(choose(phone).device, "wasm");
  assert.deepEqual(choose({ ...phone, asked: "webgpu" }), {
    device: "webgpu",
    reason: "asked for",
  });
  assert.equal(choose({ ...laptop, asked: "magic" }).reason, "adapter found");
});

test("threads are timed only where they can share memory", () => {
  assert.deepEqual(candidates(laptop), [4, 1]);
  assert.deepEqual(candidates({ ...laptop, cores: 2 }), [2, 1]);
  assert.deepEqual(candidates({ ...laptop, isolated: false }), [1]);
  assert.deepEqual(candidates({ ...laptop, cores: 1 }), [1]);
});

test("the sentence on the screen says which, and why", () => {
  const wasm = choose({ ...laptop, adapter: false });
  assert.equal(sentence(wasm, 4, true), "wasm, 4 threads (no WebGPU)");
  assert.equal(sentence(wasm, 1, false), "wasm, 1 thread (no WebGPU; page not isolated)");
  assert.equal(sentence(choose(laptop), 1, true), "webgpu (adapter found)");
});
