/**
 * `image` turns files into frames and back, and holds the few loops over pixels that a canvas has
 * no word for. A frame is an OffscreenCanvas, upright and opaque; a crop is ImageData.
 *
 * Pixel centres lie at whole numbers in our matrices, as in cv2, and at halves on a canvas.
 */
import { TooLargeError, UnreadableError } from "./errors.js";

const LIMIT = 40e6; // pixels
const KEPT = 3e6; // pixels of a sheet that is worth keeping: a frame of a camera or less
const SIZES = 4; // of one pad
const EXPECTED =
  "expected a whole JPEG, PNG, WebP, GIF or AVIF picture, or HEIC on Apple's devices";

/**
 * A pen (2D context) on a new transparent canvas, kept in memory because its pixels are read.
 * @param {number} width
 * @param {number} height
 */
export function sheet(width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!pen)
    throw new UnreadableError(`no canvas of ${width} x ${height} pixels; use a smaller picture`);
  pen.imageSmoothingQuality = "low"; // bilinear, as cv2.INTER_LINEAR
  return pen;
}

/**
 * A sheet that is kept for the next time: for what is read before the same place asks again. To make
 * canvases anew for every frame takes a tenth of its time.
 * @returns {(width: number, height: number) => OffscreenCanvasRenderingContext2D} clear and upright
 */
export function pad() {
  const kept = /** @type {Map<string, OffscreenCanvasRenderingContext2D>} */ (new Map());
  return (width, height) => {
    if (width * height > KEPT) return sheet(width, height);
    const key = `${width} ${height}`;
    const pen = kept.get(key) ?? sheet(width, height);
    kept.delete(key);
    kept.set(key, pen); // the latest last
    if (kept.size > SIZES) kept.delete(/** @type {string} */ (kept.keys().next().value));
    pen.resetTransform();
    pen.clearRect(0, 0, width, height);
    return pen;
  };
}

/** @param {OffscreenCanvas} frame */
export function penOf(frame) {
  const options = { willReadFrequently: true };
  return /** @type {OffscreenCanvasRenderingContext2D} */ (frame.getContext("2d", options));
}

/**
 * Draw from now on through a matrix in our pixels.
 * @param {OffscreenCanvasRenderingContext2D} pen
 * @param {import("./align.js").Matrix} matrix
 */
export function transform(pen, [[a, b, x], [c, d, y]]) {
  pen.setTransform(a, c, b, d, x + (1 - a - b) / 2, y + (1 - c - d) / 2);
}

/**
 * A picture file as a frame: turned as its EXIF says, in sRGB, white where it is transparent.
 * @param {Blob} file
 * @returns {Promise<OffscreenCanvas>}
 */
export async function readPicture(file) {
  const name = /** @type {File} */ (file).name ?? "picture";
  if (file.size === 0) throw new UnreadableError(`${name}: got 0 bytes; ${EXPECTED}`);
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new UnreadableError(`${name}: not a picture that can be read here; ${EXPECTED}`);
  });
  return toFrame(bitmap, { name });
}

/**
 * A frame from a bitmap, which is closed. mirror: left becomes right, as front cameras are shown.
 * @param {ImageBitmap} bitmap
 * @param {{ name?: string, mirror?: boolean }} options
 * @returns {OffscreenCanvas}
 */
export function toFrame(bitmap, { name = "picture", mirror = false } = {}) {
  const { width, height } = bitmap;
  try {
    if (width * height > LIMIT) throw tooLarge(width * height, name);
    const pen = sheet(width, height);
    pen.fillStyle = "white";
    pen.fillRect(0, 0, width, height);
    if (mirror) pen.setTransform(-1, 0, 0, 1, width, 0);
    pen.drawImage(bitmap, 0, 0);
    pen.resetTransform();
    return pen.canvas;
  } finally {
    bitmap.close();
  }
}

/** @param {OffscreenCanvas} frame */
export function copied(frame) {
  const pen = sheet(frame.width, frame.height);
  pen.drawImage(frame, 0, 0);
  return pen.canvas;
}

/** @param {number} pixels @param {string} name */
function tooLarge(pixels, name) {
  const got = (pixels / 1e6).toFixed(1);
  return new TooLargeError(
    `${name}: got ${got} megapixels; expected at most ${LIMIT / 1e6}: make the picture smaller first`,
  );
}

/** A number as numpy rounds it: halves go to the even neighbour. @param {number} value */
export function rint(value) {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}

/**
 * The pixels as planes: (3, h, w) float32, (value - low) / span.
 * @param {ImageData} crop
 * @returns {Float32Array}
 */
export function blob({ data, width, height }, low = 0, span = 255) {
  const plane = width * height;
  const out = new Float32Array(3 * plane);
  for (let i = 0, j = 0; i < plane; i++, j += 4) {
    out[i] = (data[j] - low) / span;
    out[i + plane] = (data[j + 1] - low) / span;
    out[i + 2 * plane] = (data[j + 2] - low) / span;
  }
  return out;
}

/**
 * A crop as the graphs' input: RGB, 0..1.
 * @param {ImageData} crop
 * @returns {import("./sessions.js").Tensor}
 */
export function tensor(crop) {
  return { data: blob(crop), dims: [1, 3, crop.height, crop.width] };
}

/**
 * A smaller picture, each of its pixels the mean of the area that it covers (cv2.INTER_AREA).
 * @param {ImageData} image
 * @param {number} width  at most image.width
 * @param {number} height  at most image.height
 * @returns {ImageData}
 */
export function average(image, width, height) {
  if (image.width === width && image.height === height) return image;
  const rows = shrink(image.data, 4, image.width, width, 4 * image.width, image.height);
  const mean = shrink(rows, 4 * width, image.height, height, 4, width);
  return new ImageData(Uint8ClampedArray.from(mean), width, height);
}

/**
 * Area means along one axis; the other becomes the rows of what is returned.
 *
 * values: `lines` lines that lie `next` apart, each of `from` pixels that lie `step` apart, four
 * channels a pixel. Returns the same with `to` pixels a line, in the same layout.
 * @param {ArrayLike<number>} values
 * @param {number} step
 * @param {number} from
 * @param {number} to
 * @param {number} next
 * @param {number} lines
 * @returns {Float32Array}
 */
function shrink(values, step, from, to, next, lines) {
  const along = next > step; // pixels of a line lie side by side
  const [outStep, outNext] = along ? [4, 4 * to] : [step, next];
  const out = new Float32Array(4 * to * lines);
  for (const [target, source, weight] of shares(from, to)) {
    for (let line = 0; line < lines; line++) {
      const [o, s] = [line * outNext + target * outStep, line * next + source * step];
      for (let channel = 0; channel < 4; channel++) {
        out[o + channel] += weight * values[s + channel];
      }
    }
  }
  return out;
}

/**
 * Which source pixel gives which target pixel how much, along one axis.
 * @param {number} from
 * @param {number} to
 * @returns {Array<[number, number, number]>} target, source, weight
 */
function shares(from, to) {
  const ratio = from / to;
  const found = /** @type {Array<[number, number, number]>} */ ([]);
  for (let target = 0; target < to; target++) {
    const [start, end] = [target * ratio, (target + 1) * ratio];
    for (let source = Math.floor(start); source < Math.min(from, end); source++) {
      const weight = (Math.min(end, source + 1) - Math.max(start, source)) / ratio;
      if (weight > 1e-6) found.push([target, source, weight]);
    }
  }
  return found;
}
