/**
 * `selftest` runs the graphs of every frame on two devices and compares: a GPU that answers
 * otherwise than the processor does not get a face to paint.
 */
import { openSession } from "./sessions.js";

const APART = { patch: 2 / 255, mask: 0.02, points: 0.5 }; // 0..1, 0..1, crop pixels

/**
 * @param {import("./pack.js").Pack} pack
 * @param {import("./sessions.js").Device} device
 * @returns {Promise<string>} why the device is not to be trusted; empty if it is
 */
export async function disagreement({ manifest, bytes }, device) {
  const { crop: dims, kernels: count } = manifest.graphs.swap.inputs;
  const crop = {
    data: noise(
      dims.reduce((a, b) => a * b),
      0.5,
      0.5,
    ),
    dims,
  };
  for (const name of ["mesh", "swap"]) {
    const kernels = name === "swap" ? noise(count[0], 0, 0.1) : undefined;
    const known = await answer(bytes[name], "wasm", crop, kernels);
    const tried = await answer(bytes[name], device, crop, kernels);
    for (const key of Object.keys(APART).filter((key) => key in known)) {
      const off = apart(known[key], tried[key]);
      const most = APART[/** @type {keyof typeof APART} */ (key)];
      if (!(off <= most)) return `${name} is off by ${off.toPrecision(2)}`;
    }
  }
  return "";
}

/**
 * @param {Uint8Array} bytes
 * @param {import("./sessions.js").Device} device
 * @param {import("./sessions.js").Tensor} crop
 * @param {Float32Array} [kernels]
 */
async function answer(bytes, device, crop, kernels) {
  const session = await openSession(bytes, device, kernels);
  const found = await session({ crop });
  await session.release();
  return found;
}

/** Smooth, repeatable numbers. @param {number} count @param {number} middle @param {number} reach */
function noise(count, middle, reach) {
  return Float32Array.from(
    { length: count },
    (_, i) => middle + reach * Math.sin(i * 0.37 + Math.sin(i * 0.013) * 5),
  );
}

/** @param {Float32Array} a @param {Float32Array} b */
function apart(a, b) {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}
