/**
 * `remote` is the worker as the page sees it: a promise for each question.
 *
 * It fetches the weights and the runtime once, starts the worker on the device that `device` chose,
 * and times how many threads are fastest.
 */
import { candidates, choose, offer, sentence } from "./device.js";
import { revive } from "./errors.js";
import { fetchBytes, fetchPack } from "./manifest.js";
import { runtimeOf } from "./runtime.js";

/** One worker. */
export class Remote {
  constructor() {
    this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.waiting = /** @type {Map<number, { resolve: Function, reject: Function }>} */ (new Map());
    this.count = 0;
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
    const id = this.count;
    this.worker.postMessage({ id, ask, ...options }, transfer);
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  /** @param {any} message */
  hear({ id, done, failed, lost }) {
    if (lost !== undefined) return this.lost(lost);
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (failed) waiting?.reject(revive(failed));
    else waiting?.resolve(done);
  }

  /** The worker is gone; nobody waits for ever. @param {string} message */
  fail(message) {
    for (const { reject } of this.waiting.values()) reject(new Error(`the worker stopped: ${message}`));
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
  const files = await fetchAll(folder, choice.device, progress);
  const { remote, threads } = await fastest(files, choice.device, offered);
  const doubt = await remote.ask("open", { device: choice.device });
  const final = doubt ? { device: /** @type {const} */ ("wasm"), reason: `WebGPU: ${doubt}` } : choice;
  return { remote, provider: sentence(final, threads, offered.isolated) };
}

/**
 * @param {URL} folder
 * @param {import("./sessions.js").Device} device
 * @param {(got: number, of: number) => void} progress
 */
async function fetchAll(folder, device, progress) {
  const { address, size } = runtimeOf(device);
  let [got, of] = [0, size];
  const came = (/** @type {number} */ bytes) => progress((got += bytes), Math.max(of, got));
  const runtime = fetchBytes(address, came);
  const pack = await fetchPack(folder, came, (/** @type {number} */ bytes) => (of += bytes));
  return { ...pack, runtime: await runtime };
}

/**
 * The worker whose number of threads paints a face in the shortest time; remembered for next time.
 * @param {object} files
 * @param {import("./sessions.js").Device} device
 * @param {import("./device.js").Offer} offered
 */
async function fastest(files, device, offered) {
  const known = Number(localStorage.getItem("threads"));
  const counts = device === "wasm" ? candidates(offered) : [1];
  const tried = [];
  for (const threads of counts.includes(known) ? [known] : counts) {
    const remote = new Remote();
    await remote.ask("start", { ...files, device, threads });
    tried.push({ remote, threads, spent: counts.length > 1 ? await remote.ask("probe") : 0 });
  }
  tried.sort((a, b) => a.spent - b.spent);
  tried.slice(1).forEach(({ remote }) => remote.close());
  if (tried.length > 1) localStorage.setItem("threads", String(tried[0].threads));
  return tried[0];
}
