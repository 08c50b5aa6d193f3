/**
 * `planes` maps square planes of numbers onto others, along both axes alike: means of areas, lines
 * between pixels, and blurs so wide that they are mirrored several times.
 *
 * A map is a list of taps, one entry for each pixel of the answer's side: which pixels it takes, and
 * how much of each. The numbers are cv2's: INTER_AREA, INTER_LINEAR, GaussianBlur.
 *
 * @typedef {Array<{ at: Int32Array, by: Float32Array }>} Taps
 */
import { rint } from "./image.js";

/**
 * @param {Float32Array} plane  (n, n)
 * @param {Taps} taps  of n pixels
 * @returns {Float32Array} (m, m), m = taps.length
 */
export function mapped(plane, taps) {
  const size = Math.sqrt(plane.length);
  return along(along(plane, size, taps), size, taps);
}

/**
 * One pass over the rows; the answer is transposed.
 * @param {Float32Array} plane
 * @param {number} size
 * @param {Taps} taps
 */
function along(plane, size, taps) {
  const rows = plane.length / size;
  const out = new Float32Array(taps.length * rows);
  taps.forEach(({ at, by }, x) => {
    for (let y = 0; y < rows; y++) {
      let value = 0;
      for (let i = 0; i < at.length; i++) value += by[i] * plane[y * size + at[i]];
      out[x * rows + y] = value;
    }
  });
  return out;
}

/** @type {Map<string, Taps>} */
const known = new Map();

/** Made once. @param {string} name @param {() => Array<Map<number, number>>} make @returns {Taps} */
function kept(name, make) {
  const taps =
    known.get(name) ??
    make().map((row) => ({ at: Int32Array.from(row.keys()), by: Float32Array.from(row.values()) }));
  known.set(name, taps);
  return taps;
}

/** Means of areas. @param {number} from  pixels, a multiple of `to` @param {number} to */
export function means(from, to) {
  const side = from / to;
  const pixels = Array.from({ length: side }, (_, i) => i);
  const row = (/** @type {number} */ x) => new Map(pixels.map((i) => [x * side + i, 1 / side]));
  return kept(`means ${from} ${to}`, () => Array.from({ length: to }, (_, x) => row(x)));
}

/** Straight lines between pixel centres. @param {number} from @param {number} to  pixels, more */
export function bilinear(from, to) {
  const row = (/** @type {number} */ x) => {
    const place = Math.min(from - 1, Math.max(0, ((x + 0.5) * from) / to - 0.5));
    const [left, part] = [Math.floor(place), place % 1];
    return new Map([[left, 1 - part], ...(part ? [[left + 1, part]] : [])]);
  };
  return kept(`bilinear ${from} ${to}`, () => Array.from({ length: to }, (_, x) => row(x)));
}

/** A Gaussian blur, mirrored at the borders. @param {number} size @param {number} sigma  pixels */
export function bell(size, sigma) {
  const reach = (rint(sigma * 8 + 1) | 1) >> 1;
  const round = 2 * (size - 1);
  const heights = Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)),
  );
  const sum = heights.reduce((a, b) => a + b);
  const row = (/** @type {number} */ x) => {
    const found = /** @type {Map<number, number>} */ (new Map());
    heights.forEach((height, i) => {
      const place = (((x + i - reach) % round) + round) % round;
      const at = Math.min(place, round - place);
      found.set(at, (found.get(at) ?? 0) + height / sum);
    });
    return found;
  };
  return kept(`bell ${size} ${sigma}`, () => Array.from({ length: size }, (_, x) => row(x)));
}

/**
 * Morphological closing by a square: gaps that do not hold it are filled.
 * @param {Float32Array} plane  (size, size)
 * @param {number} size
 * @param {number} reach  of the square, on all sides of its middle
 * @returns {Float32Array}
 */
export function closed(plane, size, reach) {
  return extreme(extreme(plane, size, reach, Math.max), size, reach, Math.min);
}

/**
 * The largest or smallest value of the square around each pixel, within the plane.
 * @param {Float32Array} plane
 * @param {number} size
 * @param {number} reach
 * @param {(...values: number[]) => number} choose
 */
function extreme(plane, size, reach, choose) {
  const along = (/** @type {Float32Array} */ from, /** @type {number} */ step) =>
    from.map((_, i) => {
      const at = Math.floor(i / step) % size;
      const [first, last] = [Math.max(0, at - reach), Math.min(size - 1, at + reach)];
      let best = from[i];
      for (let k = first; k <= last; k++) best = choose(best, from[i + (k - at) * step]);
      return best;
    });
  return along(along(plane, 1), size);
}
