import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";

import { signed } from "../../web/c2pa.js";
import { cbor, Tagged, whole } from "../../web/cbor.js";
import { credentials } from "../../web/certificate.js";

const hex = (bytes) => Buffer.from(bytes).toString("hex");

test("values are the examples of RFC 8949, appendix A", () => {
  const known = [
    [0, "00"],
    [23, "17"],
    [24, "1818"],
    [1000, "1903e8"],
    [1000000, "1a000f4240"],
    [-1, "20"],
    [-100, "3863"],
    [Uint8Array.of(1, 2, 3, 4), "4401020304"],
    ["ü", "62c3bc"],
    [null, "f6"],
    [[1, [2, 3]], "8201820203"],
    [{ a: 1, b: [2, 3] }, "a26161016162820203"],
    [
      new Map([
        [1, 2],
        [3, 4],
      ]),
      "a201020304",
    ],
    [new Tagged(1, 1363896240), "c11a514b67b0"],
  ];
  for (const [value, expected] of known) assert.equal(hex(cbor(value)), expected);
  assert.equal(hex(whole(258, 4)), "00000102");
});

test("the chain is a leaf under its root, as node reads it", async () => {
  const [leaf, root] = (await credentials()).chain.map(
    (der) => new X509Certificate(Buffer.from(der)),
  );
  assert.ok(leaf.verify(root.publicKey) && root.verify(root.publicKey));
  assert.ok(leaf.checkIssued(root) && root.ca && !leaf.ca);
  assert.deepEqual(leaf.keyUsage, ["1.3.6.1.5.5.7.3.4"]);
  assert.ok(Date.parse(leaf.validFrom) < Date.now() && Date.now() < Date.parse(leaf.validTo));
});

test("the picture's own bytes stay", async () => {
  const file = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 4, 7, 7, 0xff, 0xda, 1, 2, 3, 0xff, 0xd9);
  const out = await signed(file);
  const length = out[10] * 256 + out[11];
  assert.deepEqual([...out.slice(8, 10)], [0xff, 0xeb]);
  assert.equal(hex(out.slice(0, 8)) + hex(out.slice(10 + length)), hex(file));
});
