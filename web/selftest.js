/**
 * `selftest` runs the graphs of every frame on two devices and compares: a GPU that answers
 * otherwise than the processor does not get a face to paint.
 */
import { openSession } from "./sessions.js";

const SIDE = 224; // pixels of the crop
const COUNT = 22_291; // kernels
const APART = { patch: 2 / 255, mask: 0.02, points: 0.5 }; // 0..1, 0..1, crop pixels

/**
 * @param {Record<string, Uint8Array>} bytes  graph -> file
 * @param {import("./sessions.js").Device} device
 * @returns {Promise<string>} why the device is not to be trusted; empty if it is
 */
export async function disagreement(bytes, device) {
  const crop = { data: noise(3 * SIDE * SIDE, 0.5, 0.5), dims: [1, 3, SIDE, SIDE] };
  for (const name of ["mesh", "swap"]) {
    const kernels = name === "swap" ? noise(COUNT, 0, 0.1) : undefined;
    const [known, tried] = await Promise.all(
      /** @type {const} */ (["wasm", device]).map(async (where) => {
        const session = await openSession(bytes[name], where, kernels);
        const answer = await session({ crop });
        await session.release();
        return answer;
      }),
    );
    const wrong = Object.entries(APART).find(([key, most]) => key in known && !(apart(known[key], tried[key]) <= most));
    if (wrong) return `${name} is off by ${apart(known[wrong[0]], tried[wrong[0]]).toPrecision(2)}`;
  }
  return "";
}

/** Smooth, repeatable numbers. @param {number} count @param {number} middle @param {number} reach */
function noise(count, middle, reach) {
  return Float32Array.from({ length: count }, (_, i) => middle + reach * Math.sin(i * 0.37 + Math.sin(i * 0.013) * 5));
}

/** @param {Float32Array} a @param {Float32Array} b */
function apart(a, b) {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}
