/**
 * `lab` turns planes of sRGB colours into CIELAB and back (white D65; the numbers are OpenCV's).
 */

const TO_XYZ = [
  [0.412453 / 0.950456, 0.35758 / 0.950456, 0.180423 / 0.950456],
  [0.212671, 0.71516, 0.072169],
  [0.019334 / 1.088754, 0.119193 / 1.088754, 0.950227 / 1.088754],
];
const TO_RGB = [
  [3.240479 * 0.950456, -1.53715, -0.498535 * 1.088754],
  [-0.969256 * 0.950456, 1.875991, 0.041556 * 1.088754],
  [0.055648 * 0.950456, -0.204043, 1.057311 * 1.088754],
];
const DARK = 0.008856; // of white, below which lightness is a straight line

/** The light of each of the 256 levels, 0..1. */
const LIGHT = Float64Array.from({ length: 256 }, (_, level) => {
  const value = level / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});

/**
 * @param {Float32Array} planes  (3, n), R G B, whole levels 0..255
 * @returns {Float32Array} (3, n), L 0..100, a, b
 */
export function toLab(planes) {
  const count = planes.length / 3;
  const out = new Float32Array(planes.length);
  for (let i = 0; i < count; i++) {
    const [r, g, b] = [LIGHT[planes[i]], LIGHT[planes[i + count]], LIGHT[planes[i + 2 * count]]];
    const x = root(row(TO_XYZ[0], r, g, b));
    const y = root(row(TO_XYZ[1], r, g, b));
    const z = root(row(TO_XYZ[2], r, g, b));
    out[i] = 116 * y - 16;
    out[i + count] = 500 * (x - y);
    out[i + 2 * count] = 200 * (y - z);
  }
  return out;
}

/** @param {Float32Array} planes  (3, n), L a b @returns {Float32Array} (3, n), R G B, 0..255 */
export function toRgb(planes) {
  const count = planes.length / 3;
  const out = new Float32Array(planes.length);
  for (let i = 0; i < count; i++) {
    const y = (planes[i] + 16) / 116;
    const x = cube(y + planes[i + count] / 500);
    const z = cube(y - planes[i + 2 * count] / 200);
    for (let n = 0; n < 3; n++) out[i + n * count] = 255 * curved(row(TO_RGB[n], x, cube(y), z));
  }
  return out;
}

/** @param {number[]} matrix  one row @param {number} x @param {number} y @param {number} z */
function row(matrix, x, y, z) {
  return matrix[0] * x + matrix[1] * y + matrix[2] * z;
}

/** @param {number} light @returns {number} sRGB 0..1 */
function curved(light) {
  const inside = Math.min(1, Math.max(0, light));
  return inside <= 0.0031308 ? inside * 12.92 : 1.055 * inside ** (1 / 2.4) - 0.055;
}

/** @param {number} light */
function root(light) {
  return light > DARK ? Math.cbrt(light) : 7.787 * light + 16 / 116;
}

/** The way back from `root`. @param {number} value */
function cube(value) {
  return value > 7.787 * DARK + 16 / 116 ? value ** 3 : (value - 16 / 116) / 7.787;
}
