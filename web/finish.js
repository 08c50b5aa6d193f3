/**
 * `finish` makes a patch belong to its picture: as sharp as the target's face, and of its colour at
 * the seam.
 *
 * It knows a patch, the crop that it replaces and the mask. It knows nothing of who painted it. The
 * twin of demo/finish.py and of `refocus` in demo/warp.py, which are on for clips there, too; grain
 * and what lies in front stay on the server.
 */
import { blob, rint } from "./image.js";
import { toLab, toRgb } from "./lab.js";
import { bell, bilinear, closed, mapped, means } from "./planes.js";
import { blur } from "./warp.js";

const FOCUS = [0.3, 1.7]; // how far the finest band may be dimmed or lifted
const SMALL = 56; // pixels, side at which colour is compared: the seam's tint is a soft thing
const REACHES = [0.64, 0.16, 0.04, 0.02]; // of the side, how far the seam's tint is carried, in turn
const HOLE = 4; // of SMALL, on all sides of a pixel: smaller gaps in a mask have no seam
const ODD = 18.0; // L, a, b: what differs more at the seam is hair or cloth, no tint
const MOST = 60; // levels that a pixel may be moved

/**
 * @param {ImageData} patch  (s, s) RGBA
 * @param {ImageData} crop  (s, s) RGBA
 * @param {Float32Array} mask  (s, s), 0 keep .. 1 swap
 * @returns {ImageData} like patch
 */
export function finish(patch, crop, mask) {
  return tint(refocus(patch, crop, mask), crop, mask);
}

/**
 * The patch as sharp as the target's face: its finest band is scaled to the same strength.
 * @param {ImageData} patch
 * @param {ImageData} crop
 * @param {Float32Array} mask
 */
export function refocus(patch, crop, mask) {
  const [own, theirs] = [patch, crop].map(finest);
  const [had, wanted] = [own, theirs].map((band) => strength(band, mask));
  if (Number.isNaN(wanted)) return patch; // there is no face in it
  const gain = Math.min(FOCUS[1], Math.max(FOCUS[0], wanted / (had + 1e-3))) - 1;
  // Python cuts the fraction off here, a clamped array would round.
  return painted(patch, (level, i, n) => Math.floor(Math.max(0, level + gain * own[n][i])));
}

/** What a narrow blur takes away, three planes (s, s). @param {ImageData} image */
function finest(image) {
  const size = image.width;
  return planesOf(blob(image, 0, 1)).map((plane) => {
    const soft = blur(plane, size, Math.max(0.8, size / 224), 4);
    for (let i = 0; i < soft.length; i++) soft[i] = plane[i] - soft[i];
    return soft;
  });
}

/**
 * Mean size of a band inside the mask; NaN if nothing is.
 * @param {Float32Array[]} band
 * @param {Float32Array} mask
 */
function strength(band, mask) {
  let [sum, count] = [0, 0];
  for (const plane of band) {
    for (let i = 0; i < mask.length; i++) {
      if (mask[i] <= 0.5) continue;
      sum += Math.abs(plane[i]);
      count += 1;
    }
  }
  return sum / count;
}

/**
 * The patch with the difference at the seam carried inwards, so that none is left at it.
 * @param {ImageData} patch
 * @param {ImageData} crop
 * @param {Float32Array} mask
 */
export function tint(patch, crop, mask) {
  const [small, target] = [patch, crop].map(shrunk);
  const all = mapped(mask, means(patch.width, SMALL));
  const most = Math.max(1e-6, all.reduce((a, b) => Math.max(a, b), 0));
  const faded = all.map((part) => part / most); // a face that fades is no seam all over
  const share = closed(faded, SMALL, HOLE); // nor is the mouth, which stays open
  const lab = toLab(small);
  const apart = toLab(target).map((value, i) => value - lab[i]);
  const seam = share.map((part, i) => 4 * part * (1 - part) * Math.exp(-odds(apart, i) / ODD ** 2));
  if (total(seam) < 1) return patch;
  const carried = spread(apart, seam);
  const turned = toRgb(lab.map((value, i) => value + carried[i]));
  const moved = turned.map((level, i) => Math.min(MOST, Math.max(-MOST, level - small[i])));
  const added = planesOf(moved).map((plane) => mapped(plane, bilinear(SMALL, patch.width)));
  return painted(patch, (level, i, n) => level + added[n][i]);
}

/** Levels of a smaller picture, (3, n, n), whole. @param {ImageData} image */
function shrunk(image) {
  const taps = means(image.width, SMALL);
  return joined(planesOf(blob(image, 0, 1)).map((plane) => mapped(plane, taps).map(rint)));
}

/** Squared distance of two colours. @param {Float32Array} apart  (3, n, n) @param {number} i */
function odds(apart, i) {
  const plane = apart.length / 3;
  return apart[i] ** 2 + apart[i + plane] ** 2 + apart[i + 2 * plane] ** 2;
}

/**
 * Values carried from where weight is to where it is not, the near first.
 * @param {Float32Array} values  (3, n, n)
 * @param {Float32Array} weight  (n, n)
 */
function spread(values, weight) {
  const heavy = planesOf(values).map((plane) => plane.map((value, i) => value * weight[i]));
  const sum = total(weight);
  const out = heavy.map((plane) => new Float32Array(plane.length).fill(total(plane) / sum));
  for (const reach of REACHES) {
    const taps = bell(SMALL, reach * SMALL);
    const near = mapped(weight, taps);
    heavy.forEach((plane, n) => {
      mapped(plane, taps).forEach((mean, i) => {
        const trust = near[i] / (near[i] + 0.02);
        out[n][i] += trust * (mean / (near[i] + 1e-6) - out[n][i]);
      });
    });
  }
  return joined(out);
}

/** @param {Float32Array} values @returns {Float32Array[]} its three planes */
function planesOf(values) {
  const count = values.length / 3;
  return [0, 1, 2].map((n) => values.subarray(n * count, (n + 1) * count));
}

/** @param {Float32Array[]} planes */
function joined(planes) {
  const out = new Float32Array(3 * planes[0].length);
  planes.forEach((plane, n) => out.set(plane, n * plane.length));
  return out;
}

/** @param {Float32Array} values */
function total(values) {
  return values.reduce((sum, value) => sum + value, 0);
}

/**
 * A patch with other levels; clamped and rounded by the array.
 * @param {ImageData} patch
 * @param {(level: number, i: number, n: number) => number} change  pixel i of plane n
 */
function painted({ data, width, height }, change) {
  const out = new ImageData(new Uint8ClampedArray(data), width, height);
  for (let n = 0; n < 3; n++) {
    for (let i = 0, j = n; i < width * height; i++, j += 4) out.data[j] = change(data[j], i, n);
  }
  return out;
}
