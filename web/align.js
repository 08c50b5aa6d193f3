/**
 * `align` brings a face into the crop that every network was trained on, and back.
 *
 * It knows five points and a template. It knows nothing of networks, identities or files.
 * The twin of demo/align.py.
 *
 * @typedef {[number, number]} Point  x y in pixels; pixel centres lie at whole numbers
 * @typedef {[[number, number, number], [number, number, number]]} Matrix  (2, 3)
 */
import { average, pad, transform } from "./image.js";

const FINEST = 8; // samples along the side of a crop pixel, at most
const cut = pad();

/**
 * Least-squares rotation, uniform scale and shift (4 degrees of freedom, no mirror).
 * Umeyama 1991 in the plane, written with complex numbers.
 * @param {Point[]} points  (n, 2), n >= 2
 * @param {Point[]} target  (n, 2)
 * @returns {Matrix} points -> target
 */
export function similarity(points, target) {
  const [p, q] = [mean(points), mean(target)];
  let [spread, real, imag] = [0, 0, 0];
  points.forEach(([x, y], i) => {
    const [px, py, qx, qy] = [x - p[0], y - p[1], target[i][0] - q[0], target[i][1] - q[1]];
    spread += px * px + py * py;
    real += px * qx + py * qy;
    imag += px * qy - py * qx;
  });
  if (spread === 0) {
    throw new RangeError(
      "similarity: all points are the same; expected at least two distinct ones",
    );
  }
  const [a, b] = [real / spread, imag / spread];
  return [
    [a, -b, q[0] - a * p[0] + b * p[1]],
    [b, a, q[1] - b * p[0] - a * p[1]],
  ];
}

/**
 * Least-squares affine map (6 degrees of freedom), the fit of the published code.
 * @param {Point[]} points  (n, 2), n >= 3
 * @param {Point[]} target  (n, 2)
 * @returns {Matrix} points -> target
 */
export function affine(points, target) {
  const [p, q] = [mean(points), mean(target)];
  let [xx, xy, yy] = [0, 0, 0];
  const sums = [
    [0, 0],
    [0, 0],
  ];
  points.forEach((point, i) => {
    const [x, y] = [point[0] - p[0], point[1] - p[1]];
    [xx, xy, yy] = [xx + x * x, xy + x * y, yy + y * y];
    sums.forEach((sum, row) => {
      sum[0] += x * (target[i][row] - q[row]);
      sum[1] += y * (target[i][row] - q[row]);
    });
  });
  const determinant = xx * yy - xy * xy;
  const rows = sums.map(([sx, sy], row) => {
    const [a, b] = [(sx * yy - sy * xy) / determinant, (sy * xx - sx * xy) / determinant];
    return [a, b, q[row] - a * p[0] - b * p[1]];
  });
  return /** @type {Matrix} */ (rows);
}

export const FITS = { similarity, affine };

/**
 * Cut one face out of a frame.
 * @param {OffscreenCanvas} frame
 * @param {Point[]} points  (5, 2), frame pixels
 * @param {Point[]} template  (5, 2), the same points in a crop of side 1
 * @param {number} size  side of the crop in pixels
 * @param {"similarity" | "affine"} fit
 * @returns {{ crop: ImageData, matrix: Matrix }} crop: (size, size) RGBA, black outside the frame;
 *   matrix: frame -> crop
 */
export function align(frame, points, template, size, fit = "similarity") {
  const target = template.map(([x, y]) => /** @type {Point} */ ([x * size, y * size]));
  const matrix = FITS[fit](points, target);
  return { crop: warpCrop(frame, matrix, size), matrix };
}

/**
 * The crop that `matrix` cuts out of `frame`; large faces are averaged, not sampled.
 * @param {OffscreenCanvas} frame
 * @param {Matrix} matrix
 * @param {number} size
 * @returns {ImageData}
 */
export function warpCrop(frame, matrix, size) {
  const over = Math.min(FINEST, Math.max(1, Math.round(1 / scale(matrix))));
  const fine = scaled(matrix, over);
  const pen = cut(size * over, size * over);
  transform(pen, fine);
  pen.drawImage(frame, 0, 0);
  return average(pen.getImageData(0, 0, size * over, size * over), size, size);
}

/**
 * A matrix into pixels `zoom` times as fine.
 * @param {Matrix} matrix
 * @param {number} zoom
 * @returns {Matrix}
 */
export function scaled([[a, b, x], [c, d, y]], zoom) {
  const shift = (zoom - 1) / 2; // pixel centres lie at whole numbers in both grids
  return [
    [a * zoom, b * zoom, x * zoom + shift],
    [c * zoom, d * zoom, y * zoom + shift],
  ];
}

/**
 * (2, 3) frame -> crop becomes (2, 3) crop -> frame.
 * @param {Matrix} matrix
 * @returns {Matrix}
 */
export function invert([[a, b, x], [c, d, y]]) {
  const determinant = a * d - b * c;
  const [ia, ib, ic, id] = [d, -b, -c, a].map((value) => value / determinant);
  return [
    [ia, ib, -ia * x - ib * y],
    [ic, id, -ic * x - id * y],
  ];
}

/**
 * Carry points through a matrix.
 * @param {Matrix} matrix
 * @param {Point[]} points
 * @returns {Point[]}
 */
export function apply([[a, b, tx], [c, d, ty]], points) {
  return points.map(([x, y]) => [a * x + b * y + tx, c * x + d * y + ty]);
}

/**
 * Crop pixels per frame pixel.
 * @param {Matrix} matrix
 */
export function scale([[a, b], [c, d]]) {
  return Math.sqrt(Math.abs(a * d - b * c));
}

/** @param {Point[]} points @returns {Point} */
function mean(points) {
  const sum = points.reduce(([x, y], [px, py]) => [x + px, y + py], [0, 0]);
  return [sum[0] / points.length, sum[1] / points.length];
}
