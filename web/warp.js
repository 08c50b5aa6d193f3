/**
 * `warp` holds the parts of demo/warp.py that the IDN needs: the hull of a face, and the crop's border.
 * The engine that carries pixels over the mesh stays on the server.
 */
import { rint } from "./image.js";

const SIDES = 0.08; // of a crop, along which a patch fades out towards its sides

/**
 * 1 inside the mesh's oval, feathered inwards, 0 outside.
 * @param {Float32Array} points  (468, 3) in crop pixels
 * @param {import("./manifest.js").Topology} topology
 * @param {number} size  side of the crop in pixels
 * @returns {Float32Array} (size, size)
 */
export function hull(points, topology, size) {
  const oval = topology.oval.map((i) => [rint(points[3 * i]), rint(points[3 * i + 1])]);
  const feather = Math.max(3, rint(size / 18));
  const spans = eroded(spansOf(oval, size), feather, size);
  const shape = new Float32Array(size * size);
  spans.forEach(([low, high], y) => {
    if (low <= high)
      shape.fill(1, y * size + Math.max(0, low), y * size + Math.min(size - 1, high) + 1);
  });
  return blur(shape, size, feather / 2.5);
}

/** @type {Map<number, Float32Array>} */
const borders = new Map();

/**
 * 1 in a crop, falling to 0 at its sides. Not to be written to.
 * @param {number} size
 * @returns {Float32Array} (size, size)
 */
export function border(size) {
  const known = borders.get(size) ?? faded(size);
  borders.set(size, known);
  return known;
}

/** @param {number} size */
function faded(size) {
  const ramp = Float32Array.from({ length: size }, (_, i) =>
    Math.min(1, Math.min(i, size - 1 - i) / (size * SIDES)),
  );
  return Float32Array.from({ length: size * size }, (_, i) =>
    Math.min(ramp[i % size], ramp[Math.floor(i / size)]),
  );
}

/**
 * The pixels of a polygon, one span a row: first and last x, first > last where there is none.
 * A face's oval has one span a row; of other shapes this is the filling between the outermost.
 * @param {number[][]} corners
 * @param {number} size
 * @returns {Array<[number, number]>}
 */
function spansOf(corners, size) {
  const spans = Array.from({ length: size }, () => /** @type {[number, number]} */ ([1e9, -1e9]));
  corners.forEach(([ax, ay], i) => {
    const [bx, by] = corners[(i + 1) % corners.length];
    const steps = Math.max(Math.abs(bx - ax), Math.abs(by - ay), 1);
    for (let step = 0; step <= steps; step++) {
      // pixel by pixel along the side
      const x = rint(ax + ((bx - ax) * step) / steps);
      const span = spans[rint(ay + ((by - ay) * step) / steps)];
      if (span) [span[0], span[1]] = [Math.min(span[0], x), Math.max(span[1], x)];
    }
  });
  return spans;
}

/**
 * Spans after a square of `side` pixels has been run round the shape's inside (cv2.erode): what is
 * beyond the picture counts as inside.
 * @param {Array<[number, number]>} spans
 * @param {number} side
 * @param {number} size
 * @returns {Array<[number, number]>}
 */
function eroded(spans, side, size) {
  const [before, after] = [Math.floor(side / 2), side - 1 - Math.floor(side / 2)];
  const wide = spans.map(([low, high]) => [
    low <= 0 ? -1e9 : low + before,
    high >= size - 1 ? 1e9 : high - after,
  ]);
  return spans.map((_, y) => {
    const rows = wide.slice(Math.max(0, y - before), y + after + 1);
    return [Math.max(...rows.map(([low]) => low)), Math.min(...rows.map(([, high]) => high))];
  });
}

/**
 * Gaussian blur of a square plane, mirrored at the borders (cv2.GaussianBlur).
 * @param {Float32Array} plane  (size, size)
 * @param {number} size
 * @param {number} sigma  pixels
 * @param {number} [wide]  sigmas that the kernel reaches: cv2 takes 3 for bytes, 4 for floats
 * @returns {Float32Array}
 */
export function blur(plane, size, sigma, wide = 3) {
  const reach = (rint(sigma * 2 * wide + 1) | 1) >> 1;
  const kernel = Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)),
  );
  const sum = kernel.reduce((a, b) => a + b);
  const taps = Float32Array.from(kernel, (value) => value / sum);
  return along(along(plane, size, taps), size, taps);
}

/**
 * One pass over the rows; the answer is transposed, so two passes are a blur.
 * @param {Float32Array} plane
 * @param {number} size
 * @param {Float32Array} taps
 */
function along(plane, size, taps) {
  const reach = taps.length >> 1;
  const out = new Float32Array(size * size);
  const line = new Float32Array(size + 2 * reach);
  for (let y = 0; y < size; y++) {
    const row = plane.subarray(y * size, (y + 1) * size);
    const [first, end] = [row.findIndex(Boolean), row.findLastIndex(Boolean)];
    if (first < 0) continue; // an empty row stays empty
    for (let i = 0; i < line.length; i++) {
      const x = Math.abs(i - reach);
      line[i] = row[x < size ? x : 2 * (size - 1) - x];
    }
    for (let x = Math.max(0, first - reach); x <= Math.min(size - 1, end + reach); x++) {
      let value = 0;
      for (let tap = 0; tap < taps.length; tap++) value += taps[tap] * line[x + tap];
      out[x * size + y] = value;
    }
  }
  return out;
}
