import assert from "node:assert/strict";
import { test } from "node:test";

import { five } from "../../web/mesh.js";
import { apart, golden } from "./golden.js";

test("a mesh's five points are Python's", () => {
  const { points, five: expected, ...topology } = golden("mesh");
  assert.ok(apart(five(points, topology).flat(), expected.flat()) < 1e-3);
});
