/**
 * `paste` lays a patch back into its frame, only inside the face's rectangle.
 *
 * It knows one patch, one mask, one matrix. It knows nothing of who painted them. The canvas does
 * the warp and the blend. The twin of demo/paste.py.
 */
import { invert, scale, scaled } from "./align.js";
import { average, pad, penOf, transform } from "./image.js";

const layers = pad();

/**
 * Blend a patch into a frame, in place; where the mask is 0 every bit stays.
 * @param {OffscreenCanvas} frame
 * @param {ImageData} patch  (s, s) RGBA
 * @param {Float32Array} mask  (s, s), 0 keep .. 1 swap
 * @param {import("./align.js").Matrix} matrix  frame -> crop
 */
export function paste(frame, patch, mask, matrix) {
  const { layer, fitting } = reduce(veiled(patch, mask), matrix);
  const painted = layers(layer.width, layer.height);
  painted.putImageData(layer, 0, 0);
  const pen = penOf(frame);
  transform(pen, invert(fitting));
  pen.imageSmoothingQuality = "high"; // linear interpolation would soften the face once more
  pen.drawImage(painted.canvas, 0, 0);
  pen.resetTransform();
}

/**
 * The patch with its mask as alpha.
 * @param {ImageData} patch
 * @param {Float32Array} mask
 */
function veiled(patch, mask) {
  const layer = new ImageData(new Uint8ClampedArray(patch.data), patch.width, patch.height);
  mask.forEach((share, i) => {
    layer.data[4 * i + 3] = share * 255;
  });
  return layer;
}

/**
 * The same, with a patch much finer than the face averaged down: sampling would alias.
 * @param {ImageData} layer
 * @param {import("./align.js").Matrix} matrix
 */
function reduce(layer, matrix) {
  const fine = Math.floor(scale(matrix) + 0.25); // crop pixels per frame pixel
  if (fine < 2) return { layer, fitting: matrix };
  const size = Math.floor(layer.width / fine);
  return { layer: average(layer, size, size), fitting: scaled(matrix, size / layer.width) };
}
