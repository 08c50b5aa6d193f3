/**
 * `pipeline` is the swapper: a source once, then frame after frame.
 *
 *     const swapper = new FaceSwapper(pack);
 *     await swapper.setSource(picture);              // detect, align, encode, inject
 *     const frame = await swapper.swapFrame(frame);  // detect, align, mesh, swap, paste
 *
 * It knows the order of the stages. It knows nothing of files, videos, screens or cameras. The twin
 * of demo/pipeline.py, with the one engine that a phone runs: the IDN.
 *
 * @typedef {object} Report  what happened to one frame
 * @property {number} found
 * @property {number} swapped
 * @property {string[]} reasons
 * @property {Record<string, number>} milliseconds  stage -> time, all faces together
 */
import { scale } from "./align.js";
import { encode } from "./encode.js";
import { CallOrderError, NoFaceError, SmallFaceError } from "./errors.js";
import { finish } from "./finish.js";
import { copied } from "./image.js";
import { inject } from "./inject.js";
import { mesh } from "./mesh.js";
import { paste } from "./paste.js";
import { swap } from "./swap.js";
import { meet } from "./track.js";
import { border, hull } from "./warp.js";

const BLENDED = 8; // the IDN's patch holds its mask already: from an eighth on it is pasted whole
const SMALLEST = 40; // source pixels across the crop under which there is no likeness to learn
const EVERY = 8; // frames after which the whole frame is searched again, where one is followed

/** One source face, put into any number of frames, one after the other. */
export class FaceSwapper {
  /** @param {import("./pack.js").Pack} pack */
  constructor(pack) {
    this.pack = pack;
    this.report = emptyReport();
    this.frames = 0; // followed so far
    this.kernels = /** @type {Float32Array | null} */ (null);
    this.face = /** @type {ImageData | null} */ (null); // the source's, if it came as a picture
    this.painter = /** @type {import("./sessions.js").Session | null} */ (null);
  }

  /**
   * Take the identity of the largest face of a picture, or the kernels of an identity file.
   * @param {OffscreenCanvas | Float32Array} source
   */
  async setSource(source) {
    const { kernels, face } =
      source instanceof Float32Array
        ? { kernels: source, face: null }
        : await this.fromPicture(source);
    const painter = await this.pack.painter(kernels);
    await this.painter?.release();
    Object.assign(this, { kernels, face, painter });
  }

  /**
   * Swap faces of one frame; the frame given is not touched.
   * @param {OffscreenCanvas} frame
   * @param {import("./detect.js").Face[]} [faces]  which of `pack.faces(frame)`; default the largest
   * @param {number} [strength]  0 nothing .. 1 all
   * @param {boolean} [finished]  whether patches take on the sharpness and the colour around them
   * @returns {Promise<OffscreenCanvas>}
   */
  async swapFrame(frame, faces, strength = 1, finished = false) {
    if (!this.painter) {
      throw new CallOrderError("swapFrame: there is no source yet; call setSource first");
    }
    this.report = emptyReport();
    const everyone = faces ?? (await this.timed("detect", () => this.pack.faces(frame)));
    this.report.found = everyone.length;
    if (!everyone.length) this.report.reasons.push("no face in the target");
    const out = copied(frame);
    for (const face of faces ?? everyone.slice(0, 1))
      await this.swapFace(out, face, strength, finished);
    return out;
  }

  /**
   * The next frame of a camera or clip: the person who was there first is followed and swapped.
   * @param {OffscreenCanvas} frame
   * @param {import("./track.js").Tracker} tracker
   * @param {number} time  seconds
   * @param {number} strength  0 nothing .. 1 all
   * @param {boolean} [finished]  as in swapFrame
   */
  async followFrame(frame, tracker, time, strength = 1, finished = false) {
    const start = performance.now();
    const [first] = tracker.update(await this.lookFor(frame, tracker, time), time);
    const spent = performance.now() - start;
    const out = await this.swapFrame(
      frame,
      first ? [first.face] : [],
      strength * (first?.strength ?? 0),
      finished,
    );
    this.report.milliseconds.detect = spent;
    return out;
  }

  /**
   * A lone face is followed by its mesh; now and then, and else, everything is searched.
   * @param {OffscreenCanvas} frame
   * @param {import("./track.js").Tracker} tracker
   * @param {number} time
   */
  async lookFor(frame, tracker, time) {
    this.frames += 1;
    const [first, second] = tracker.tracks;
    const alone = first && !second && !first.missed;
    const followed = alone ? await this.pack.follow(frame, first.tracked(time).face) : null;
    if (followed && this.frames % EVERY) return [followed];
    const found = await this.pack.faces(frame);
    const others = found.filter((face) => !followed || !meet(face, followed));
    return followed && others.length < found.length ? [followed, ...others] : found;
  }

  /** The kernels of the largest face, and its crop. @param {OffscreenCanvas} image */
  async fromPicture(image) {
    const [face] = await this.pack.faces(image);
    if (!face)
      throw new NoFaceError("the source shows no face; expected one, upright and well lit");
    const { crop, matrix } = this.pack.align(image, face);
    const side = crop.width / scale(matrix);
    if (side < SMALLEST) {
      throw new SmallFaceError(
        `the source's face is ${side.toFixed(0)} pixels wide; expected at least ${SMALLEST}: ` +
          "use a larger picture or move closer",
      );
    }
    const identity = await encode(this.pack.sessions.encode, crop);
    return { kernels: await inject(this.pack.sessions.inject, identity), face: crop };
  }

  /**
   * @param {OffscreenCanvas} frame
   * @param {import("./detect.js").Face} face
   * @param {number} strength
   * @param {boolean} finished
   */
  async swapFace(frame, face, strength, finished) {
    const { sessions, manifest } = this.pack;
    const painter = /** @type {import("./sessions.js").Session} */ (this.painter);
    const { crop, matrix } = await this.timed("align", () => this.pack.align(frame, face));
    const target = await this.timed("mesh", () => mesh(sessions.mesh, crop));
    if (target.score < manifest.mesh.score) {
      this.report.reasons.push("a face was too unclear to be followed, and left as it is");
      return;
    }
    const { patch, mask } = await this.timed("swap", () => swap(painter, crop));
    const share = await this.timed("paste", () => {
      const inside = hull(target.points, manifest.mesh, crop.width);
      const sides = border(crop.width);
      return mask.map((value, i) => Math.min(1, BLENDED * value) * inside[i] * sides[i]);
    });
    const done = finished ? await this.timed("finish", () => finish(patch, crop, share)) : patch;
    const weighed = share.map((value) => value * strength);
    await this.timed("paste", () => paste(frame, done, weighed, matrix));
    this.report.swapped += 1;
  }

  /**
   * @template T
   * @param {string} stage
   * @param {() => T | Promise<T>} work
   * @returns {Promise<T>}
   */
  async timed(stage, work) {
    const start = performance.now();
    const done = await work();
    const { milliseconds } = this.report;
    milliseconds[stage] = (milliseconds[stage] ?? 0) + performance.now() - start;
    return done;
  }
}

/** @returns {Report} */
function emptyReport() {
  return { found: 0, swapped: 0, reasons: [], milliseconds: {} };
}
