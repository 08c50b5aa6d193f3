/**
 * `remote` is the worker as the page sees it: a promise for each question.
 *
 * It fetches the runtime and the weights once, and starts the worker on the device that `device`
 * chose.
 *
 * @typedef {Promise<Record<string, Uint8Array>>} Files  graph -> file
 */
import { candidates, choose, offer, sentence } from "./device.js";
import { revive } from "./errors.js";
import { fetchBytes, fetchGraphs, load, sizeOf } from "./manifest.js";
import { runtimeOf } from "./runtime.js";
import { threadsToUse, timeThreads } from "./threads.js";

/** One worker. */
export class Remote {
  constructor() {
    this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.waiting = /** @type {Map<number, { resolve: Function, reject: Function }>} */ (new Map());
    this.count = 0; // questions so far
    this.used = 0; // milliseconds, when something was last asked or answered
    this.painted = false; // whether a face has been
    this.lost = (/** @type {string} */ _reason) => {};
    this.worker.addEventListener("message", ({ data }) => this.hear(data));
    this.worker.addEventListener("error", ({ message }) => this.fail(message || "it did not load"));
  }

  /**
   * @param {string} ask  see the table in worker.js
   * @param {object} options
   * @param {Transferable[]} transfer
   * @returns {Promise<any>}
   */
  ask(ask, options = {}, transfer = []) {
    this.count += 1;
    this.used = performance.now();
    const id = this.count;
    this.worker.postMessage({ id, ask, ...options }, transfer);
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  /** @param {any} message */
  hear({ id, done, failed, lost }) {
    if (lost !== undefined) return this.lost(lost);
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    this.used = performance.now();
    this.painted ||= Boolean(done?.report);
    if (failed) waiting?.reject(revive(failed));
    else waiting?.resolve(done);
  }

  /** The worker is gone; nobody waits for ever. @param {string} message */
  fail(message) {
    for (const { reject } of this.waiting.values())
      reject(new Error(`the worker stopped: ${message}`));
    this.waiting.clear();
  }

  close() {
    this.worker.terminate();
  }
}

/**
 * A worker with the pack open.
 * @param {URL} folder  the pack
 * @param {(got: number, of: number) => void} progress  bytes
 * @returns {Promise<{ remote: Remote, provider: string }>} provider: which device, and why
 */
export async function open(folder, progress) {
  const offered = await offer();
  const choice = choose(offered);
  const { device } = choice;
  const { manifest, runtime, came } = await fetchRuntime(folder, device, progress);
  const start = async (/** @type {number} */ threads, /** @type {Files} */ files) => {
    const remote = new Remote();
    const ready = [remote.ask("start", { runtime, device, threads }), files];
    const [, bytes] = await Promise.all(ready).catch((error) => {
      remote.close();
      throw error;
    });
    await remote.ask("take", { manifest, bytes });
    return remote;
  };
  const counts = device === "wasm" ? candidates(offered) : [1];
  const threads = threadsToUse(counts);
  const files = fetchGraphs(folder, manifest, came); // the runtime is compiled meanwhile
  const remote = await start(threads, files);
  const doubt = await remote.ask("open", { device });
  timeThreads(counts, remote, (threads) => start(threads, files)).catch(console.warn); // a wish
  const final = doubt
    ? { device: /** @type {const} */ ("wasm"), reason: `WebGPU: ${doubt}` }
    : choice;
  return { remote, provider: sentence(final, threads, offered.isolated) };
}

/**
 * The runtime comes first: it takes longest to get ready.
 * @param {URL} folder
 * @param {import("./sessions.js").Device} device
 * @param {(got: number, of: number) => void} progress
 */
async function fetchRuntime(folder, device, progress) {
  const { address, size } = runtimeOf(device);
  const manifest = await load(folder);
  const of = size + sizeOf(manifest);
  let got = 0;
  const came = (/** @type {number} */ bytes) => progress((got += bytes), Math.max(of, got));
  return { manifest, runtime: await fetchBytes(address, came), came };
}
