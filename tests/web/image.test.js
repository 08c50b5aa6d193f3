import assert from "node:assert/strict";
import { test } from "node:test";

import { apart, bytes, golden } from "./golden.js";
import { average, blob, rint } from "../../web/image.js";

for (const { size, image, small, mean } of golden("image")) {
  test(`${size} pixels averaged to ${small} are cv2's`, () => {
    const found = average(new ImageData(new Uint8ClampedArray(bytes(image)), ...size), ...small);
    assert.deepEqual([found.width, found.height], small);
    assert.ok(apart(found.data, bytes(mean)) <= 1);
  });
}

test("halves are rounded to the even neighbour", () => {
  assert.deepEqual([0.5, 1.5, 2.5, 2.4, 2.6].map(rint), [0, 2, 2, 2, 3]);
});

test("pixels become planes", () => {
  const crop = new ImageData(Uint8ClampedArray.of(255, 0, 51, 255, 0, 255, 102, 255), 2, 1);
  assert.ok(apart(blob(crop), [1, 0, 0, 1, 0.2, 0.4]) < 1e-6);
  assert.ok(apart(blob(crop, 127.5, 127.5).slice(0, 4), [1, -1, -1, 1]) < 1e-6);
});
