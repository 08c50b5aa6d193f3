/**
 * `device` decides what runs the graphs, and records why: the screen shows the sentence.
 *
 * It knows what the browser offers. It opens no graph.
 *
 * @typedef {object} Choice
 * @property {import("./sessions.js").Device} device
 * @property {string} reason
 *
 * @typedef {object} Offer  what the browser says of itself
 * @property {string | null} asked  `?device=` of the address
 * @property {boolean} apple  iOS or iPadOS, whatever the browser
 * @property {boolean} adapter  WebGPU has a real one
 * @property {boolean} isolated  threads may share memory
 * @property {number} cores
 */

const MOST = 4; // threads; more were never faster for graphs this small

/** @returns {Promise<Offer>} */
export async function offer() {
  const { userAgent, maxTouchPoints, hardwareConcurrency } = navigator;
  const pad = /Macintosh/.test(userAgent) && maxTouchPoints > 1; // an iPad calls itself a Mac
  return {
    asked: new URLSearchParams(location.search).get("device"),
    apple: /iPhone|iPad|iPod/.test(userAgent) || pad,
    adapter: await adapter(),
    isolated: globalThis.crossOriginIsolated === true,
    cores: hardwareConcurrency || 1,
  };
}

async function adapter() {
  const gpu = /** @type {any} */ (navigator).gpu;
  const found = await gpu?.requestAdapter().catch(() => null);
  return Boolean(found) && !(found.info?.isFallbackAdapter ?? found.isFallbackAdapter);
}

/**
 * @param {Offer} offered
 * @returns {Choice}
 */
export function choose({ asked, apple, adapter }) {
  if (asked === "webgpu" || asked === "wasm") return { device: asked, reason: "asked for" };
  if (apple) return { device: "wasm", reason: "WebGPU of iOS is not steady yet" };
  if (!adapter) return { device: "wasm", reason: "no WebGPU" };
  return { device: "webgpu", reason: "adapter found" };
}

/**
 * The numbers of threads worth timing.
 * @param {Offer} offered
 * @returns {number[]}
 */
export function candidates({ isolated, cores }) {
  return isolated && cores > 1 ? [Math.min(MOST, cores), 1] : [1];
}

/**
 * @param {Choice} choice
 * @param {number} threads
 * @param {boolean} isolated
 */
export function sentence({ device, reason }, threads, isolated) {
  if (device === "webgpu") return `webgpu (${reason})`;
  const count = threads === 1 ? "1 thread" : `${threads} threads`;
  return `wasm, ${count} (${reason}${isolated ? "" : "; page not isolated"})`;
}
