/**
 * `pack` is the weights, opened: what finds, follows and cuts out a face, and what paints one.
 *
 * It knows the manifest and the graphs. It knows no source, and nothing of the frame before. The twin
 * of demo/pack.py.
 */
import { align, apply, invert } from "./align.js";
import { area, detect } from "./detect.js";
import { five, mesh } from "./mesh.js";
import { openSession } from "./sessions.js";

/** The weights, opened once. */
export class Pack {
  /**
   * @param {import("./manifest.js").Manifest} manifest
   * @param {Record<string, Uint8Array>} bytes  graph -> file
   */
  constructor(manifest, bytes) {
    this.manifest = manifest;
    this.bytes = bytes;
    this.sessions = /** @type {Record<string, import("./sessions.js").Session>} */ ({});
    this.device = /** @type {import("./sessions.js").Device} */ ("wasm");
  }

  /** Open every graph on a device. @param {import("./sessions.js").Device} device */
  async open(device) {
    this.device = device;
    for (const name of ["detect", "mesh", "encode", "inject"]) {
      this.sessions[name] = await openSession(this.bytes[name], device);
    }
  }

  /** Every face of a frame, the largest first. @param {OffscreenCanvas} frame */
  async faces(frame) {
    const found = await detect(this.sessions.detect, frame, this.manifest.detect);
    return found.sort((a, b) => area(b.box) - area(a.box));
  }

  /**
   * The same face a frame later: its mesh tells where it is now, for a third of a search.
   *
   * Its five points keep the places that they have on the mean mesh, some pixels of a crop from
   * where the detector sees them, and steadier. null where no face is any more.
   * @param {OffscreenCanvas} frame
   * @param {import("./detect.js").Face} face
   * @returns {Promise<import("./detect.js").Face | null>}
   */
  async follow(frame, face) {
    const { crop, matrix } = this.align(frame, face);
    const { points, score } = await mesh(this.sessions.mesh, crop);
    const { align, mesh: topology } = this.manifest;
    if (score < topology.score) return null;
    const usual = five(topology.mean, topology);
    const found = five(pairs(points), topology).map(([x, y], i) => {
      const [wanted, mean] = [align.template[i], usual[i]];
      return point(x + wanted[0] * align.size - mean[0], y + wanted[1] * align.size - mean[1]);
    });
    const back = invert(matrix);
    const spots = apply(back, pairs(points));
    const [xs, ys] = [0, 1].map((axis) => spots.map((spot) => spot[axis]));
    const low = point(Math.min(...xs), Math.min(...ys));
    const high = point(Math.max(...xs), Math.max(...ys));
    return { box: [...low, ...high], points: apply(back, found), score };
  }

  /**
   * @param {OffscreenCanvas} frame
   * @param {import("./detect.js").Face} face
   */
  align(frame, face) {
    const { template, size, fit } = this.manifest.align;
    return align(frame, face.points, template, size, fit);
  }

  /** The IDN with one identity's kernels baked in. @param {Float32Array} kernels */
  painter(kernels) {
    return openSession(this.bytes.swap, this.device, kernels);
  }
}

/** @param {number} x @param {number} y @returns {import("./align.js").Point} */
function point(x, y) {
  return [x, y];
}

/** (n, 3) in a row -> the points' x and y. @param {Float32Array} values */
function pairs(values) {
  return Array.from({ length: values.length / 3 }, (_, i) => point(values[3 * i], values[3 * i + 1]));
}
