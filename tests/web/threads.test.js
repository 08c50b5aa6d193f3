/** The number of threads is timed at rest, remembered, and used by the next visit. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { threadsToUse, timeThreads } from "../../web/threads.js";

const kept = new Map();
globalThis.localStorage = /** @type {any} */ ({
  getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
  setItem: (/** @type {string} */ key, /** @type {string} */ value) => kept.set(key, value),
});
beforeEach(() => kept.clear());

/** A page's worker that has painted and is not asked. */
const resting = () =>
  /** @type {any} */ ({ painted: true, waiting: new Map(), used: -1e9, count: 7 });

/** Workers whose faces take `spent[threads]` milliseconds. @param {Record<number, number>} spent */
function workers(spent) {
  const open = new Set();
  const start = async (/** @type {number} */ threads) => {
    const worker = { ask: async () => spent[threads], close: () => open.delete(worker) };
    open.add(worker);
    return /** @type {any} */ (worker);
  };
  return { open, start };
}

test("a first visit guesses, the next uses the fastest", async () => {
  assert.equal(threadsToUse([4, 1]), 4);
  assert.equal(threadsToUse([2, 1]), 1);
  const { open, start } = workers({ 4: 30, 1: 20 });
  await timeThreads([4, 1], resting(), start);
  assert.equal(threadsToUse([4, 1]), 1);
  assert.equal(threadsToUse([8, 4]), 8); // another machine's answer does not count
  assert.equal(open.size, 0);
});

test("what is timed while somebody works is timed again", async () => {
  const remote = resting();
  const spent = { 4: 30, 1: 20 };
  const { start } = workers(spent);
  let trials = 0;
  await timeThreads([4, 1], remote, async (threads) => {
    trials += 1;
    if (trials === 2) remote.count += 1; // a question came in between
    if (trials === 3) spent[1] = 40;
    return start(threads);
  });
  assert.equal(trials, 4);
  assert.equal(threadsToUse([4, 1]), 4);
});

test("one count, or a known answer, is not timed", async () => {
  const never = () => Promise.reject(new Error("started"));
  await timeThreads([1], resting(), never);
  kept.set("threads", "1");
  await timeThreads([4, 1], resting(), never);
});
