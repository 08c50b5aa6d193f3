/**
 * `mark` hides in a picture's pixels that it is synthetic. The twin of demo/mark.py, which also
 * finds it again.
 *
 * One bit, spread: a fixed pattern of signs on middle frequencies of 8x8 DCT blocks, in a picture
 * brought to a canonical size. It carries no message. It knows nothing of files.
 */
import { SIGNS } from "./signs.js";

const SIDE = 512; // pixels, the canonical square in which the pattern lives
const GAIN = 1.8; // levels (of 255) of the pattern's standard deviation in the luma
const BAND = [
  [1, 2],
  [2, 1],
  [2, 2],
  [1, 3],
  [3, 1],
  [2, 3],
  [3, 2],
  [3, 3],
]; // of an 8x8 block
const CUBIC = -0.75; // of cv2's bicubic interpolation

/** @type {Float32Array | null} */
let known = null;
let stretched = { width: 0, height: 0, veil: new Float32Array(0) }; // the last: a clip has one size

/** (512, 512) float32: signs in BAND of every block, carried back to pixels, unit spread. */
export function pattern() {
  known ??= unit(spread());
  return known;
}

/** The pattern over a whole frame. @param {number} width @param {number} height */
function veilOf(width, height) {
  if (stretched.width !== width || stretched.height !== height) {
    stretched = { width, height, veil: resize(pattern(), SIDE, SIDE, width, height) };
  }
  return stretched.veil;
}

/**
 * The same picture with the mark, invisible (PSNR above 42 dB).
 * @param {ImageData} frame  changed in place
 * @returns {ImageData}
 */
export function mark(frame) {
  const { data, width, height } = frame;
  const veil = veilOf(width, height);
  const busy = texture(data, width, height);
  for (let i = 0; i < veil.length; i++) {
    // Where the picture is flat the eye is keen: half there, all of it in texture.
    const shift = veil[i] * GAIN * Math.min(1, 0.5 + busy[i] / 16);
    for (let channel = 0; channel < 3; channel++) data[4 * i + channel] += shift;
  }
  return frame;
}

/** The inverse DCT of the signs, block by block. */
function spread() {
  const bits = Uint8Array.from(atob(SIGNS), (letter) => letter.charCodeAt(0));
  const waves = BAND.map(([u, v]) => wave(u, v));
  const plane = new Float32Array(SIDE * SIDE);
  const across = SIDE / 8;
  for (let block = 0; block < across * across; block++) {
    const corner = Math.floor(block / across) * 8 * SIDE + (block % across) * 8;
    waves.forEach((values, k) => {
      const sign = (bits[block] >> (7 - k)) & 1 ? 1 : -1;
      for (let i = 0; i < 64; i++) plane[corner + (i >> 3) * SIDE + (i & 7)] += sign * values[i];
    });
  }
  return plane;
}

/** One basis picture of the 8x8 DCT. @param {number} u  down @param {number} v  across */
function wave(u, v) {
  const turn = (/** @type {number} */ x, /** @type {number} */ n) =>
    0.5 * Math.cos(((2 * x + 1) * n * Math.PI) / 16);
  return Float32Array.from({ length: 64 }, (_, i) => turn(i >> 3, u) * turn(i & 7, v));
}

/** @param {Float32Array} plane  changed in place */
function unit(plane) {
  const mean = plane.reduce((sum, value) => sum + value, 0) / plane.length;
  const square = plane.reduce((sum, value) => sum + (value - mean) ** 2, 0) / plane.length;
  return plane.map((value) => value / Math.sqrt(square));
}

/**
 * How much goes on around each pixel: the mean distance of the luma from its own blur.
 * @param {Uint8ClampedArray} data
 * @param {number} width
 * @param {number} height
 */
function texture(data, width, height) {
  const grey = Float32Array.from({ length: width * height }, (_, i) =>
    Math.round(0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2]),
  );
  const smooth = box(grey, width, height, 4);
  return box(
    grey.map((value, i) => Math.abs(value - smooth[i])),
    width,
    height,
    8,
  );
}

/**
 * Mean over a square of 2 * reach + 1 pixels, mirrored at the borders (cv2.boxFilter).
 * @param {Float32Array} plane
 * @param {number} width
 * @param {number} height
 * @param {number} reach
 */
function box(plane, width, height, reach) {
  return slide(slide(plane, width, height, reach), height, width, reach);
}

/**
 * A running mean along the rows; the answer is transposed.
 * @param {Float32Array} plane
 * @param {number} width
 * @param {number} height
 * @param {number} reach
 */
function slide(plane, width, height, reach) {
  const out = new Float32Array(plane.length);
  const mirrored = Int32Array.from({ length: width + 2 * reach }, (_, i) =>
    mirror(i - reach, width),
  );
  for (let y = 0; y < height; y++) {
    let sum = 0;
    for (let i = 0; i < mirrored.length; i++) {
      sum += plane[y * width + mirrored[i]];
      if (i < 2 * reach) continue;
      const x = i - 2 * reach;
      out[x * height + y] = sum / (2 * reach + 1);
      sum -= plane[y * width + mirrored[x]];
    }
  }
  return out;
}

/** Index of a pixel beyond the border, mirrored at the outermost. @param {number} i @param {number} n */
function mirror(i, n) {
  if (n === 1) return 0;
  const turn = Math.abs(i) % (2 * n - 2);
  return turn < n ? turn : 2 * n - 2 - turn;
}

/**
 * Bicubic, as cv2.resize samples it.
 * @param {Float32Array} plane
 * @param {number} width
 * @param {number} height
 * @param {number} w
 * @param {number} h
 */
export function resize(plane, width, height, w, h) {
  return stretch(stretch(plane, width, height, w), height, w, h);
}

/**
 * The rows with another number of pixels; the answer is transposed.
 * @param {Float32Array} plane
 * @param {number} width
 * @param {number} height
 * @param {number} to
 */
function stretch(plane, width, height, to) {
  const out = new Float32Array(to * height);
  for (let x = 0; x < to; x++) {
    const place = ((x + 0.5) * width) / to - 0.5;
    const first = Math.floor(place);
    const taps = [-1, 0, 1, 2].map((step) => ({
      from: Math.min(width - 1, Math.max(0, first + step)),
      weight: cubic(Math.abs(place - first - step)),
    }));
    for (let y = 0; y < height; y++) {
      let value = 0;
      for (const { from, weight } of taps) value += weight * plane[y * width + from];
      out[x * height + y] = value;
    }
  }
  return out;
}

/** @param {number} t  distance in pixels, 0..2 */
function cubic(t) {
  if (t <= 1) return ((CUBIC + 2) * t - (CUBIC + 3)) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * CUBIC : 0;
}
