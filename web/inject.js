/**
 * `inject` turns an identity into kernels, and keeps them in a 44 KB file.
 *
 * It knows an identity and the 22,291 numbers that are all the IDN needs of it. The twin of
 * demo/inject.py; the file is safetensors: a length, a JSON header, half-precision numbers.
 */
import { UnreadableError } from "./errors.js";

const EXPECTED = "expected an identity file (.idn) made by this page or `python -m demo identity`";

/**
 * @param {import("./sessions.js").Session} session
 * @param {import("./encode.js").Identity} identity
 * @returns {Promise<Float32Array>} kernels (22291,): depthwise taps, then pointwise channel scales
 */
export async function inject(session, { embedding, features }) {
  const { kernels } = await session({
    embedding: { data: embedding, dims: [1, 512] },
    features: { data: features, dims: [1, 512, 7, 7] },
  });
  return kernels;
}

/**
 * The identity as a file: half precision, with the sum of the graph that it was made for.
 * @param {Float32Array} kernels
 * @param {import("./manifest.js").Manifest} manifest
 * @returns {Blob}
 */
export function writeIdentity(kernels, manifest) {
  const header = JSON.stringify({
    __metadata__: { graph: stamp(manifest) },
    kernels: { dtype: "F16", shape: [kernels.length], data_offsets: [0, 2 * kernels.length] },
  });
  const text = new TextEncoder().encode(header.padEnd(Math.ceil(header.length / 8) * 8));
  const length = new BigUint64Array([BigInt(text.length)]);
  return new Blob([length, text, Uint16Array.from(kernels, toHalf)]);
}

/**
 * Kernels (22291,) from the bytes of an identity file.
 * @param {ArrayBuffer} data
 * @param {import("./manifest.js").Manifest} manifest
 * @returns {Float32Array}
 */
export function readIdentity(data, manifest, name = "identity") {
  const { header, body } = parse(data, name);
  const [count] = manifest.graphs.swap.inputs.kernels;
  const entry = header.kernels;
  if (entry?.dtype !== "F16" || entry.shape?.[0] !== count || body.byteLength !== 2 * count) {
    throw new UnreadableError(
      `${name}: got ${entry?.shape} numbers, expected ${count}; ${EXPECTED}`,
    );
  }
  const kernels = Float32Array.from(new Uint16Array(body), fromHalf);
  if (!kernels.every(Number.isFinite)) {
    throw new UnreadableError(`${name}: damaged, not all of it are numbers; ${EXPECTED}`);
  }
  if (header.__metadata__?.graph !== stamp(manifest)) {
    const why = "made for other weights than these; make it again from the picture";
    throw new UnreadableError(`${name}: ${why}`);
  }
  return kernels;
}

/** @param {ArrayBuffer} data @param {string} name */
function parse(data, name) {
  try {
    const length = Number(new DataView(data).getBigUint64(0, true));
    const text = new TextDecoder().decode(new Uint8Array(data, 8, length));
    return { header: JSON.parse(text), body: data.slice(8 + length) };
  } catch {
    throw new UnreadableError(`${name}: not an identity; ${EXPECTED}`);
  }
}

/** Which IDN the numbers fit. @param {import("./manifest.js").Manifest} manifest */
export function stamp(manifest) {
  const { sha256, made_from: original } = manifest.graphs.swap;
  return (original ?? sha256).slice(0, 16);
}

const BITS = new DataView(new ArrayBuffer(4));

/** Half precision (IEEE 754 binary16) as a number. @param {number} half */
export function fromHalf(half) {
  const [sign, exponent, part] = [half & 0x8000 ? -1 : 1, (half >> 10) & 31, half & 1023];
  if (exponent === 0) return sign * part * 2 ** -24;
  if (exponent === 31) return part ? NaN : sign * Infinity;
  return sign * (1 + part / 1024) * 2 ** (exponent - 15);
}

/** A number in half precision, rounded to the nearest, halves to even. @param {number} value */
export function toHalf(value) {
  BITS.setFloat32(0, value);
  const sign = (BITS.getUint32(0) >>> 16) & 0x8000;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size || 2 ** -24)));
  const steps = size / 2 ** (exponent - 10); // in units of the last place
  const whole = Math.floor(steps);
  const up = steps - whole > 0.5 || (steps - whole === 0.5 && whole % 2 === 1);
  // The leading bit of a normal number adds one to the exponent's field, so a carry is right too.
  return sign | (((exponent + 14) << 10) + whole + (up ? 1 : 0));
}
