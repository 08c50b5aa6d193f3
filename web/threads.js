/**
 * `threads` finds out how many threads paint a face in the shortest time, here and now, not by rule.
 *
 * That takes seconds, so a first visit begins with a guess. It is timed when a face has been painted
 * and the page rests, and the answer counts from the next visit on.
 *
 * @typedef {import("./remote.js").Remote} Remote
 */

const REST = 3000; // milliseconds without a question, after which nobody waits for anything
const KEY = "threads";

/**
 * What an earlier visit found to be fastest. Else all; but of two cores one is always busy, and then
 * two threads wait for each other.
 * @param {number[]} counts  all first, one last
 */
export function threadsToUse(counts) {
  const known = counts.find((count) => String(count) === localStorage.getItem(KEY));
  return known ?? (counts[0] > 2 ? counts[0] : 1);
}

/**
 * Time each count in a worker of its own and remember the fastest, if no visit has done so.
 * @param {number[]} counts
 * @param {Remote} remote  the worker that the page uses; not disturbed
 * @param {(threads: number) => Promise<Remote>} start  another worker
 */
export async function timeThreads(counts, remote, start) {
  while (counts.length > 1 && !localStorage.getItem(KEY)) {
    await rest(remote);
    const asked = remote.count;
    const spent = [];
    for (const threads of counts) spent.push(await trial(threads, start));
    if (remote.count !== asked) continue; // somebody came back: it says nothing about threads
    localStorage.setItem(KEY, String(counts[spent.indexOf(Math.min(...spent))]));
  }
}

/**
 * Milliseconds of one painted face.
 * @param {number} threads
 * @param {(threads: number) => Promise<Remote>} start
 */
async function trial(threads, start) {
  const worker = await start(threads);
  try {
    return await worker.ask("probe");
  } finally {
    worker.close();
  }
}

/** Resolves when a face has been painted and nothing is asked any more. @param {Remote} remote */
async function rest(remote) {
  const quiet = () => performance.now() - remote.used;
  while (!remote.painted || remote.waiting.size || quiet() < REST) {
    await new Promise((resolve) => setTimeout(resolve, REST));
  }
}
