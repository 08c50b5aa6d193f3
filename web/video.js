/**
 * `video` swaps a clip on the device: decode, swap, encode, frame after frame at their own times, the
 * sound copied as it is. The twin of demo/video.py.
 *
 * WebCodecs do the work and mediabunny the files; where a browser has none, `recorder` plays the clip
 * and records it. It knows files. It knows nothing of the screen.
 *
 * @typedef {(bitmap: ImageBitmap, time: number) => Promise<{ bitmap: ImageBitmap, report: any }>} Swap
 *
 * @typedef {object} Done
 * @property {Blob} blob
 * @property {number} frames
 * @property {number} swapped
 * @property {"kept" | "none" | string} sound  or why it was lost
 */
import { seal } from "./c2pa.js";
import { CancelledError, UnreadableError } from "./errors.js";
import { record } from "./recorder.js";

const LIBRARY = new URL("./vendor/mediabunny.min.mjs", import.meta.url);
const CODECS = /** @type {const} */ (["avc", "hevc", "vp9", "av1", "vp8"]); // the first that is there
const EXPECTED = "expected an MP4, MOV or WebM clip that this browser can play";

/**
 * @param {File} file
 * @param {Swap} swap
 * @param {(share: number) => void} progress  0..1
 * @param {AbortSignal} signal
 * @returns {Promise<Done>}
 */
export async function swapClip(file, swap, progress, signal) {
  const counted = counter(swap);
  const able = "VideoEncoder" in globalThis && "VideoDecoder" in globalThis;
  const work = able ? convert : record;
  const { blob, sound } = await work(file, counted.swap, progress, signal);
  return { blob, sound, ...counted.count };
}

/** @param {Swap} swap */
function counter(swap) {
  const count = { frames: 0, swapped: 0 };
  return {
    count,
    /** @type {Swap} */
    swap: async (bitmap, time) => {
      const done = await swap(bitmap, time);
      count.frames += 1;
      count.swapped += done.report.swapped ? 1 : 0;
      return done;
    },
  };
}

/**
 * @param {File} file
 * @param {Swap} swap
 * @param {(share: number) => void} progress
 * @param {AbortSignal} signal
 */
async function convert(file, swap, progress, signal) {
  const media = await import(LIBRARY.href);
  const input = new media.Input({ source: new media.BlobSource(file), formats: media.ALL_FORMATS });
  const track = await input.getPrimaryVideoTrack().catch(() => null);
  if (!track || !(await track.canDecode())) {
    throw new UnreadableError(`${file.name}: not a clip that can be read here; ${EXPECTED}`);
  }
  const codec = await media.getFirstEncodableVideoCodec(CODECS, sizeOf(track));
  const format = new media.Mp4OutputFormat({ fastStart: "in-memory" });
  const output = new media.Output({ format, target: new media.BufferTarget() });
  const conversion = await media.Conversion.init({
    input,
    output,
    tracks: "primary",
    showWarnings: false,
    video: {
      codec,
      ...sizeOf(track),
      fit: "fill",
      quality: media.QUALITY_HIGH,
      forceTranscode: true,
      allowTransformationMetadata: false, // frames come upright and are written upright
      process: (/** @type {any} */ sample) => swapSample(sample, swap),
    },
    tags: { comment: "Synthetic: a face was swapped by MobileFaceSwap." },
  });
  conversion.onProgress = progress;
  signal.addEventListener("abort", () => conversion.cancel());
  await conversion.execute().catch((/** @type {Error} */ error) => {
    throw signal.aborted ? new CancelledError("Cancelled.") : error;
  });
  if (signal.aborted) throw new CancelledError("Cancelled.");
  const bytes = await seal(new Uint8Array(output.target.buffer));
  return { blob: new Blob([bytes], { type: "video/mp4" }), sound: soundOf(conversion) };
}

/** Even sides, because most encoders halve the colours. @param {any} track */
function sizeOf(track) {
  const even = (/** @type {number} */ side) => Math.max(2, side - (side % 2));
  return { width: even(track.displayWidth), height: even(track.displayHeight) };
}

/** @param {any} sample @param {Swap} swap */
async function swapSample(sample, swap) {
  const canvas = new OffscreenCanvas(sample.displayWidth, sample.displayHeight);
  const pen = /** @type {any} */ (canvas.getContext("2d"));
  sample.draw(pen, 0, 0);
  const { bitmap } = await swap(canvas.transferToImageBitmap(), sample.timestamp);
  const { width, height } = bitmap;
  const out = new OffscreenCanvas(width, height);
  out.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
  return out;
}

/** @param {any} conversion @returns {"kept" | "none" | string} */
function soundOf({ utilizedTracks, discardedTracks }) {
  const isSound = (/** @type {any} */ track) => track.type === "audio";
  if (utilizedTracks.some(isSound)) return "kept";
  const lost = discardedTracks.find((/** @type {any} */ { track }) => isSound(track));
  return lost ? lost.reason.replaceAll("_", " ") : "none";
}
