import assert from "node:assert/strict";
import { test } from "node:test";

import { affine, apply, invert, scale, scaled, similarity } from "../../web/align.js";
import { apart, golden } from "./golden.js";

for (const [i, known] of golden("align").entries()) {
  test(`both fits and the inverse are Python's (${i})`, () => {
    const fit = similarity(known.points, known.target);
    assert.ok(apart(fit.flat(), known.similarity.flat()) < 1e-4);
    assert.ok(apart(affine(known.points, known.target).flat(), known.affine.flat()) < 1e-4);
    assert.ok(apart(invert(fit).flat(), known.inverse.flat()) < 1e-3);
  });
}

test("the template onto itself is the identity", () => {
  const [{ target }] = golden("align");
  assert.ok(apart(similarity(target, target).flat(), [1, 0, 0, 0, 1, 0]) < 1e-9);
});

test("there and back again", () => {
  const [{ points, similarity: matrix }] = golden("align");
  assert.ok(apart(apply(invert(matrix), apply(matrix, points)).flat(), points.flat()) < 1e-3);
});

test("a finer grid keeps pixel centres", () => {
  const [{ points, similarity: matrix }] = golden("align");
  const fine = apply(scaled(matrix, 2), points);
  assert.ok(
    apart(
      fine.flat(),
      apply(matrix, points)
        .flat()
        .map((value) => 2 * value + 0.5),
    ) < 1e-6,
  );
  assert.ok(Math.abs(scale(scaled(matrix, 2)) - 2 * scale(matrix)) < 1e-9);
});

test("one point only says what was expected", () => {
  const same = Array.from({ length: 5 }, () => [3, 4]);
  assert.throws(() => similarity(same, same), /expected at least two distinct/);
});
