/**
 * `worker` owns the runtime and every pixel loop, so that the page stays quick.
 *
 * One reply per request, with its `id`: `{ id, done }` or `{ id, failed: { kind, message } }`.
 *
 * | ask      | with                                  | done                                          |
 * |----------|---------------------------------------|-----------------------------------------------|
 * | start    | runtime, device, threads              | nothing; the runtime is compiled              |
 * | take     | manifest, bytes                       | nothing; the weights are there                |
 * | probe    |                                       | milliseconds of one painted face              |
 * | open     | device                                | why WebGPU was not to be trusted, or ""       |
 * | source   | file: Blob                            | `{ face: ImageBitmap or null }`               |
 * | identity |                                       | Blob, the 44 KB file                          |
 * | target   | file: Blob                            | `{ bitmap, faces, width, height }`            |
 * | picture  | chosen: numbers, strength             | `{ bitmap, report }`                          |
 * | save     |                                       | `{ file, signature }`, the last picture       |
 * | frame    | bitmap, time, strength, mirror        | `{ bitmap, report }`, label drawn             |
 * | clip     | bitmap, time, strength                | `{ bitmap, report }`, finished and marked     |
 * | restart  |                                       | nothing; forget who was followed              |
 *
 * Without being asked: `{ lost: reason }` when the GPU is gone; everything has moved to WASM then.
 */
import { flatten } from "./errors.js";
import { penOf, readPicture, toFrame } from "./image.js";
import { readIdentity, writeIdentity } from "./inject.js";
import { label } from "./label.js";
import { mark } from "./mark.js";
import { savePicture } from "./picture.js";
import { Pack } from "./pack.js";
import { FaceSwapper } from "./pipeline.js";
import { disagreement } from "./selftest.js";
import { lost, start } from "./sessions.js";
import { Tracker } from "./track.js";

/** @type {FaceSwapper} */
let swapper;
let tracker = new Tracker();
/** The picture to change and its faces; the last result. */
const desk = /** @type {{ target?: OffscreenCanvas, faces: import("./detect.js").Face[],
  result?: OffscreenCanvas }} */ ({ faces: [] });

const HANDLERS = {
  /** @param {any} options */
  start: ({ runtime, device, threads }) => start(device, threads, runtime),

  /** @param {any} options */
  take({ manifest, bytes }) {
    swapper = new FaceSwapper(new Pack(manifest, bytes));
  },

  /** @param {{ device: import("./sessions.js").Device }} options */
  async open({ device }) {
    const { pack } = swapper;
    const doubt = device === "wasm" ? "" : await disagreement(pack, device).catch(String);
    await pack.open(doubt ? "wasm" : device);
    if (pack.device === "webgpu") lost().then(retreat);
    return doubt;
  },

  async probe() {
    const { pack } = swapper;
    const { crop: dims, kernels } = pack.manifest.graphs.swap.inputs;
    const painter = await pack.painter(new Float32Array(kernels[0]));
    const crop = { data: new Float32Array(dims.reduce((a, b) => a * b)), dims };
    await painter({ crop });
    const start = performance.now();
    let runs = 0;
    for (; runs < 20 && performance.now() - start < 400; runs++) await painter({ crop });
    await painter.release();
    return (performance.now() - start) / runs;
  },

  /** @param {{ file: File }} options */
  async source({ file }) {
    if (file.name?.endsWith(".idn")) {
      await swapper.setSource(
        readIdentity(await file.arrayBuffer(), swapper.pack.manifest, file.name),
      );
      return { face: null };
    }
    await swapper.setSource(await readPicture(file));
    return { face: await createImageBitmap(/** @type {ImageData} */ (swapper.face)) };
  },

  identity: () =>
    writeIdentity(/** @type {Float32Array} */ (swapper.kernels), swapper.pack.manifest),

  /** @param {{ file: Blob }} options */
  async target({ file }) {
    desk.target = await readPicture(file);
    desk.faces = await swapper.pack.faces(desk.target);
    const { width, height } = desk.target;
    return { bitmap: await createImageBitmap(desk.target), faces: desk.faces, width, height };
  },

  /** @param {{ chosen: number[], strength: number }} options */
  async picture({ chosen, strength }) {
    const target = /** @type {OffscreenCanvas} */ (desk.target);
    const faces = chosen.map((n) => desk.faces[n]);
    desk.result = await swapper.swapFrame(target, faces, strength);
    return { bitmap: await createImageBitmap(desk.result), report: swapper.report };
  },

  save: () => savePicture(/** @type {OffscreenCanvas} */ (desk.result)),

  /** @param {{ bitmap: ImageBitmap, time: number, strength: number, mirror: boolean }} options */
  async frame({ bitmap, time, strength, mirror }) {
    const frame = toFrame(bitmap, { mirror });
    const out = await swapper.followFrame(frame, tracker, time, strength);
    label(out);
    return { bitmap: out.transferToImageBitmap(), report: swapper.report };
  },

  /** @param {{ bitmap: ImageBitmap, time: number, strength: number }} options */
  async clip({ bitmap, time, strength }) {
    const out = await swapper.followFrame(toFrame(bitmap), tracker, time, strength, true);
    const pen = penOf(out);
    pen.putImageData(mark(pen.getImageData(0, 0, out.width, out.height)), 0, 0);
    return { bitmap: out.transferToImageBitmap(), report: swapper.report };
  },

  restart() {
    tracker = new Tracker();
  },
};

/** The GPU is gone: the same weights on the processor, the same face. @param {string} reason */
async function retreat(reason) {
  await swapper.pack.open("wasm");
  if (swapper.kernels) await swapper.setSource(swapper.kernels);
  postMessage({ lost: reason });
}

/** @param {any} done */
function transfers(done) {
  return [done?.bitmap, done?.face].filter((value) => value instanceof ImageBitmap);
}

let last = Promise.resolve();
addEventListener("message", ({ data: { id, ask, ...options } }) => {
  last = last.then(async () => {
    try {
      const done = await HANDLERS[/** @type {keyof typeof HANDLERS} */ (ask)](options);
      postMessage({ id, done }, { transfer: transfers(done) });
    } catch (error) {
      postMessage({ id, failed: flatten(error) });
    }
  });
});
