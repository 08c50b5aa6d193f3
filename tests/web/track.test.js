import assert from "node:assert/strict";
import { test } from "node:test";

import { Tracker } from "../../web/track.js";
import { apart, golden } from "./golden.js";

const frames = golden("track");

test("faces are followed as in Python, frame by frame", () => {
  const tracker = new Tracker();
  for (const { time, faces, tracked } of frames) {
    const found = tracker.update(faces, time);
    assert.deepEqual(found.map((one) => [one.number, one.missed]), tracked.map((one) => [one.number, one.missed]));
    found.forEach(({ face, strength }, i) => {
      assert.ok(apart(face.points.flat(), tracked[i].face.points.flat()) < 0.01);
      assert.ok(apart(face.box, tracked[i].face.box) < 0.01);
      assert.ok(Math.abs(strength - tracked[i].strength) < 1e-4);
    });
  }
});

test("the golden film has all that can happen", () => {
  const seen = frames.flatMap(({ tracked }) => tracked);
  assert.ok(seen.some(({ missed }) => missed === 5) && seen.some(({ strength }) => strength > 0.99));
  assert.ok(Math.max(...seen.map(({ number }) => number)) >= 2);
});

test("time does not run backwards", () => {
  const tracker = new Tracker();
  tracker.update([], 2);
  assert.throws(() => tracker.update([], 1), /got 1.000 s after 2.000 s; expected later/);
});
