/**
 * `picture` saves a frame so that anyone can tell it is synthetic: signed metadata, and a mark in
 * the pixels. The twin of `save` in demo/provenance.py.
 */
import { signed } from "./c2pa.js";
import { penOf, sheet } from "./image.js";
import { mark } from "./mark.js";

const QUALITY = 0.95; // of JPEG, 0..1

/**
 * The marked picture as the bytes of a JPEG file.
 * @param {OffscreenCanvas} frame  not touched
 * @returns {Promise<{ file: Blob, signature: boolean }>} without a signature where the page is not
 *   served over https: browsers give no keys there
 */
export async function savePicture(frame) {
  const pen = sheet(frame.width, frame.height);
  const pixels = penOf(frame).getImageData(0, 0, frame.width, frame.height);
  pen.putImageData(mark(pixels), 0, 0);
  const file = await pen.canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
  if (!crypto.subtle) return { file, signature: false };
  const bytes = await signed(new Uint8Array(await file.arrayBuffer()));
  return {
    file: new Blob([/** @type {BlobPart} */ (bytes)], { type: file.type }),
    signature: true,
  };
}
