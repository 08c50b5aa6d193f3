import assert from "node:assert/strict";
import { test } from "node:test";

import { blur, border, hull } from "../../web/warp.js";
import { apart, bytes, golden } from "./golden.js";

for (const [i, { size, oval, points, mask }] of golden("warp").entries()) {
  test(`the hull is Python's (${i})`, () => {
    const found = hull(Float32Array.from(points), { oval, score: 0 }, size);
    const [levels, known] = [found.map((value) => value * 255), bytes(mask)];
    const mean =
      levels.reduce((sum, value, j) => sum + Math.abs(value - known[j]), 0) / levels.length;
    assert.ok(apart(levels, known) < 20 && mean < 0.5, `${apart(levels, known)}, mean ${mean}`);
  });
}

test("a blur keeps the sum", () => {
  const plane = new Float32Array(64 * 64);
  plane[32 * 64 + 20] = 1;
  const blurred = blur(plane, 64, 3);
  assert.ok(Math.abs(blurred.reduce((a, b) => a + b) - 1) < 1e-5);
  assert.ok(Math.abs(blurred[32 * 64 + 20] - 1 / (2 * Math.PI * 9)) < 2e-4);
});

for (const { size, border: sides } of golden("warp")) {
  test(`a crop of ${size} fades out towards its sides as in Python`, () => {
    const [found, middle] = [border(size), size >> 1];
    assert.ok(apart(found.slice(middle * size, (middle + 1) * size), sides) < 1e-5);
    assert.ok(Math.abs(found[2 * size + 3] - Math.min(sides[2], sides[3])) < 1e-5);
  });
}
