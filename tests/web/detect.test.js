import assert from "node:assert/strict";
import { test } from "node:test";

import { decode, layout, nms } from "../../web/detect.js";
import { apart, golden } from "./golden.js";

const known = golden("detect");

test("SCRFD's nine arrays are decoded as in Python", () => {
  const { outputs, width, score, boxes, points, scores } = known.decoded;
  const faces = decode(
    outputs.map((values) => Float32Array.from(values)),
    width,
    score,
  );
  assert.equal(faces.length, scores.length);
  assert.ok(
    apart(
      faces.flatMap((face) => face.box),
      boxes.flat(),
    ) < 1e-3,
  );
  assert.ok(
    apart(
      faces.flatMap((face) => face.points.flat()),
      points.flat(2),
    ) < 1e-3,
  );
  assert.ok(
    apart(
      faces.map((face) => face.score),
      scores,
    ) < 1e-5,
  );
});

test("the same boxes are kept, in the same order", () => {
  const { boxes, scores, keep, iou } = known.decoded;
  const faces = boxes.map((box, i) => ({ box, points: [], score: scores[i] }));
  assert.deepEqual(
    nms(faces, iou).map((face) => faces.indexOf(face)),
    keep,
  );
  assert.ok(keep.length > 3 && keep.length < boxes.length);
});

for (const { frame, border, scale, offset, image } of known.layouts) {
  test(`a frame of ${frame} with border ${border} lies where Python lays it`, () => {
    const found = layout(...frame, 320, border);
    assert.deepEqual([found.height, found.width], image.slice(2));
    assert.ok(Math.abs(found.scale - scale) < 1e-6);
    assert.equal(found.offset, offset);
  });
}
