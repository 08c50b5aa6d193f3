/**
 * `picture` saves a frame so that anyone can tell it is synthetic. The twin of demo/provenance.py's
 * `save`.
 */
import { mark } from "./mark.js";
import { penOf, sheet } from "./image.js";

const QUALITY = 0.95; // of JPEG, 0..1

/**
 * The marked picture as the bytes of a JPEG file.
 * @param {OffscreenCanvas} frame  not touched
 * @returns {Promise<Blob>}
 */
export async function savePicture(frame) {
  const pen = sheet(frame.width, frame.height);
  const pixels = penOf(frame).getImageData(0, 0, frame.width, frame.height);
  pen.putImageData(mark(pixels), 0, 0);
  return pen.canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
}
