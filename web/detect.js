/**
 * `detect` finds the faces of a frame: a box, five points and a score each, best first.
 *
 * It decodes any graph that answers as SCRFD does (insightface's contract). It knows one frame. It
 * knows nothing of who the faces are, or of the frame before. The twin of demo/detect.py.
 *
 * @typedef {object} Face  one found face, in pixels of the frame that it was found in
 * @property {[number, number, number, number]} box  x0 y0 x1 y1, may reach beyond the frame
 * @property {import("./align.js").Point[]} points  left eye, right eye, nose, mouth left, mouth right
 * @property {number} score  0..1
 *
 * @typedef {object} Options  from the manifest
 * @property {number} size  pixels, longer side of what the network sees
 * @property {number} score  0..1, below it an answer is no face
 * @property {number} iou  0..1, overlap above which the weaker of two faces is dropped
 */
import { blob, pad, rint } from "./image.js";

const STRIDES = [8, 16, 32]; // input pixels per cell of the three grids
const ANCHORS = 2; // answers per cell, interleaved
const CORNER = 0.5; // pixels: SCRFD counts from the corner of the first one, a frame from its middle
const ENLARGE = 2.0; // at most: more invents nothing and costs time
const BORDER = 0.25; // of the longer side, on each side, when the first look finds nothing
const [seen, smaller] = [pad(), pad()];

/**
 * Faces of a frame, best score first; an empty list is an answer.
 *
 * A face that fills the frame has no outline left to be known by: when nothing is found, a second
 * look sees the frame smaller, with a black border.
 * @param {import("./sessions.js").Session} session  image (1, 3, h, w) float32 RGB -1..1 -> the
 *   nine arrays of SCRFD, in its order
 * @param {OffscreenCanvas} frame
 * @param {Options} options
 * @returns {Promise<Face[]>}
 */
export async function detect(session, frame, options) {
  const found = await look(session, frame, options, 0);
  return found.length ? found : look(session, frame, options, BORDER);
}

/**
 * Faces of a frame shown with a border (share of its longer side, on each side).
 * @param {import("./sessions.js").Session} session
 * @param {OffscreenCanvas} frame
 * @param {Options} options
 * @param {number} border
 * @returns {Promise<Face[]>}
 */
export async function look(session, frame, options, border) {
  const { image, dims, scale, offset } = prepare(frame, options.size, border);
  const outputs = Object.values(await session({ image: { data: image, dims } }));
  const faces = decode(outputs, dims[3], options.score);
  const shift = -offset - CORNER * scale;
  return nms(faces, options.iou).map((face) => moved(face, shift, shift, 1 / scale));
}

/**
 * A face in the pixels of another frame: shifted, then scaled.
 * @param {Face} face
 * @param {number} x
 * @param {number} y
 * @param {number} zoom
 * @returns {Face}
 */
export function moved({ box, points, score }, x, y, zoom = 1) {
  const [x0, y0, x1, y1] = box;
  const place = (/** @type {number[]} */ [px, py]) =>
    /** @type {[number, number]} */ ([(px + x) * zoom, (py + y) * zoom]);
  return { box: [...place([x0, y0]), ...place([x1, y1])], points: points.map(place), score };
}

/**
 * frame -> image (1, 3, h, w) float32 -1..1, h and w multiples of 32; scale, offset.
 *
 * A point p of the frame lies at p * scale + offset in the image, both counted from the corner of
 * the first pixel. The rest of the image is black.
 * @param {OffscreenCanvas} frame
 * @param {number} size
 * @param {number} border
 */
export function prepare(frame, size, border = 0) {
  const { inner, scale, offset, width, height } = layout(frame.width, frame.height, size, border);
  const pen = seen(width, height);
  pen.fillRect(0, 0, width, height);
  pen.drawImage(shrunk(frame, inner[0], inner[1], scale), offset, offset);
  const image = blob(pen.getImageData(0, 0, width, height), 127.5, 128);
  return { image, dims: [1, 3, height, width], scale, offset };
}

/**
 * Where a frame lies in what the network sees, in pixels.
 * @param {number} width
 * @param {number} height
 * @param {number} size
 * @param {number} border
 */
export function layout(width, height, size, border) {
  const scale = Math.min(size / (Math.max(width, height) * (1 + 2 * border)), ENLARGE);
  const inner = [width, height].map((side) => Math.max(1, rint(side * scale)));
  const offset = rint(border * Math.max(...inner));
  const [w, h] = inner.map((side) => Math.ceil((side + 2 * offset) / 32) * 32);
  return { inner, scale, offset, width: w, height: h };
}

/**
 * The whole frame in fewer pixels. A canvas samples between pixels; halving exactly averages them,
 * so below a half the last steps are halvings.
 * @param {OffscreenCanvas} frame
 * @param {number} width
 * @param {number} height
 * @param {number} scale
 * @returns {OffscreenCanvas}
 */
function shrunk(frame, width, height, scale) {
  if (scale >= 0.5) return drawn(frame, width, height);
  return drawn(shrunk(frame, 2 * width, 2 * height, 2 * scale), width, height);
}

/** @param {OffscreenCanvas} frame @param {number} width @param {number} height */
function drawn(frame, width, height) {
  const pen = smaller(width, height);
  pen.drawImage(frame, 0, 0, width, height);
  return pen.canvas;
}

/**
 * Nine arrays of SCRFD -> faces in image pixels, in the grids' order.
 *
 * outputs: scores, boxes, points at strides 8, 16, 32, each (cells * ANCHORS, 1, 4 or 10); boxes
 * and points are distances from the cell's corner in strides.
 * @param {Float32Array[]} outputs
 * @param {number} width  pixels, of the image
 * @param {number} least  score, 0..1
 * @returns {Face[]}
 */
export function decode(outputs, width, least) {
  return STRIDES.flatMap((stride, level) => {
    const [scores, boxes, points] = [0, 3, 6].map((kind) => outputs[level + kind]);
    const found = /** @type {Face[]} */ ([]);
    scores.forEach((score, i) => {
      if (score < least) return;
      const cell = Math.floor(i / ANCHORS);
      const across = width / stride;
      const corner = [cell % across, Math.floor(cell / across)];
      found.push({
        ...place(corner, stride, boxes.subarray(4 * i), points.subarray(10 * i)),
        score,
      });
    });
    return found;
  });
}

/**
 * One answer of a cell, in image pixels.
 * @param {number[]} corner  in strides
 * @param {number} stride
 * @param {Float32Array} box  left, top, right, bottom distances in strides
 * @param {Float32Array} points  five dx dy in strides
 */
function place([x, y], stride, box, points) {
  const sides = [x - box[0], y - box[1], x + box[2], y + box[3]].map((side) => side * stride);
  const spots = Array.from({ length: 5 }, (_, i) => [
    (x + points[2 * i]) * stride,
    (y + points[2 * i + 1]) * stride,
  ]);
  return {
    box: /** @type {Face["box"]} */ (sides),
    points: /** @type {Face["points"]} */ (spots),
  };
}

/**
 * The faces to keep, best first: each weaker box that overlaps a kept one goes.
 * @param {Face[]} faces
 * @param {number} iou
 * @returns {Face[]}
 */
export function nms(faces, iou) {
  const kept = /** @type {Face[]} */ ([]);
  for (const face of [...faces].sort((a, b) => b.score - a.score)) {
    if (kept.every((better) => overlap(better.box, face.box) <= iou)) kept.push(face);
  }
  return kept;
}

/** @param {Face["box"]} a @param {Face["box"]} b @returns {number} shared area of all area, 0..1 */
function overlap(a, b) {
  const [width, height] = [0, 1].map((i) =>
    Math.max(0, Math.min(a[i + 2], b[i + 2]) - Math.max(a[i], b[i])),
  );
  const shared = width * height;
  return shared / (area(a) + area(b) - shared);
}

/** @param {Face["box"]} box */
export function area([x0, y0, x1, y1]) {
  return (x1 - x0) * (y1 - y0);
}
