import assert from "node:assert/strict";
import { test } from "node:test";

import { Live } from "../../web/live.js";

/** A camera that shows a frame when told, and bitmaps that know whether they were closed. */
function camera() {
  const video = { waiting: [], requestVideoFrameCallback: (call) => video.waiting.push(call) };
  const made = [];
  globalThis.createImageBitmap = async () => {
    const bitmap = { number: made.length, closed: false, close: () => (bitmap.closed = true) };
    made.push(bitmap);
    return bitmap;
  };
  const frame = async () => {
    video.waiting.splice(0).forEach((call) => call(performance.now(), {}));
    await tick();
  };
  return { video, made, frame };
}

const tick = () => new Promise((done) => setTimeout(done, 5));

test("one frame in flight, the newest waits, the rest are let go", async () => {
  const { video, made, frame } = camera();
  const [asked, shown, free] = [[], [], []];
  const swap = (bitmap) => {
    asked.push(bitmap.number);
    return new Promise((done) => free.push(() => done({ bitmap, report: {} })));
  };
  const live = new Live(video, swap, ({ bitmap }) => shown.push(bitmap.number), assert.fail);
  for (let i = 0; i < 4; i++) await frame();
  assert.deepEqual(asked, [0]); // still at work on the first
  free.shift()();
  await tick();
  assert.deepEqual([asked, shown], [[0, 3], [0]]);
  assert.deepEqual(
    made.map(({ closed }) => closed),
    [false, true, true, false],
  );
  live.stop();
  free.shift()();
  await tick();
  assert.ok(made[3].closed && shown.length === 1); // what comes after the end is not shown
});

test("a failure ends it, once, and says why", async () => {
  const { video, frame } = camera();
  const failures = [];
  const live = new Live(
    video,
    async () => {
      throw new Error("gone");
    },
    assert.fail,
    (error) => failures.push(error.message),
  );
  await frame();
  await frame();
  assert.deepEqual(failures, ["gone"]);
  assert.equal(live.running, false);
});

test("the rate is of the last second, the delay its median", async () => {
  const { video, frame } = camera();
  let last = {};
  const live = new Live(
    video,
    async (bitmap) => ({ bitmap, report: {} }),
    (shown) => (last = shown),
    assert.fail,
  );
  for (let i = 0; i < 5; i++) await frame();
  assert.equal(last.fps, 5);
  assert.ok(last.latency >= 0 && last.latency < 1000);
  live.stop();
});
