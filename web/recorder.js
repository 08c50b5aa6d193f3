/**
 * `recorder` is the second way to a swapped clip, for browsers without WebCodecs: the clip is played,
 * its frames are swapped as they pass, and what is shown is recorded with its sound. It takes as long
 * as the clip does, and a slow device leaves frames out.
 */
import { CancelledError, UnreadableError } from "./errors.js";
import { Live } from "./live.js";

const RATE = 30; // frames a second, of the recording

/**
 * @param {File} file
 * @param {import("./video.js").Swap} swap
 * @param {(share: number) => void} progress
 * @param {AbortSignal} signal
 * @returns {Promise<{ blob: Blob, sound: string }>}
 */
export async function record(file, swap, progress, signal) {
  const { video, close } = await opened(file);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const sound = listen(video);
  paint(canvas, await swap(await createImageBitmap(video), 0)); // never an empty recording
  const stream = canvas.captureStream(RATE);
  sound.stream.getAudioTracks().forEach((track) => stream.addTrack(track));
  try {
    const blob = await recorded(stream, () => play(video, canvas, swap, progress, signal));
    return { blob, sound: "kept" };
  } finally {
    await sound.context.close();
    close();
  }
}

/** @param {File} file */
async function opened(file) {
  const video = document.createElement("video");
  Object.assign(video, { playsInline: true, preload: "auto", src: URL.createObjectURL(file) });
  await new Promise((done, fail) => {
    video.requestVideoFrameCallback(done); // the first frame can be drawn
    video.onloadedmetadata = () => (video.currentTime = 0.001);
    video.onerror = () => fail(new UnreadableError(`${file.name}: not a clip that can be played here`));
  });
  return { video, close: () => URL.revokeObjectURL(video.src) };
}

/** The clip's sound as a stream, silent on the loudspeaker. @param {HTMLVideoElement} video */
function listen(video) {
  const context = new AudioContext();
  const target = context.createMediaStreamDestination();
  context.createMediaElementSource(video).connect(target);
  return { context, stream: target.stream };
}

/** @param {MediaStream} stream @param {() => Promise<void>} work @returns {Promise<Blob>} */
async function recorded(stream, work) {
  const recorder = new MediaRecorder(stream);
  const parts = /** @type {Blob[]} */ ([]);
  const ended = new Promise((done) => recorder.addEventListener("stop", done));
  recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
  recorder.start(1000);
  await work().finally(() => recorder.stop());
  await ended;
  return new Blob(parts, { type: recorder.mimeType });
}

/**
 * @param {HTMLVideoElement} video
 * @param {HTMLCanvasElement} canvas
 * @param {import("./video.js").Swap} swap
 * @param {(share: number) => void} progress
 * @param {AbortSignal} signal
 */
async function play(video, canvas, swap, progress, signal) {
  await new Promise((done, fail) => {
    const show = (/** @type {import("./live.js").Shown} */ shown) => {
      paint(canvas, shown);
      progress(video.currentTime / video.duration);
    };
    const live = new Live(video, (bitmap) => swap(bitmap, video.currentTime), show, fail);
    signal.addEventListener("abort", () => fail(new CancelledError("Cancelled.")));
    video.onended = () => {
      live.stop();
      done(null);
    };
    video.play().catch(fail);
  }).finally(() => video.pause());
}

/** @param {HTMLCanvasElement} canvas @param {{ bitmap: ImageBitmap }} shown */
function paint(canvas, { bitmap }) {
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  bitmap.close();
}
