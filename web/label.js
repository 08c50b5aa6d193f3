/**
 * `label` writes on a frame, for everyone to see, that its face is not real. Live pictures always
 * carry it; it cannot be switched off.
 */
import { penOf } from "./image.js";

const TEXT = "AI face swap";
const SHARE = 1 / 26; // of the frame's shorter side: height of the letters

/** @param {OffscreenCanvas} frame  drawn on in place */
export function label(frame) {
  const size = Math.max(11, Math.round(Math.min(frame.width, frame.height) * SHARE));
  const pen = penOf(frame);
  pen.font = `600 ${size}px system-ui, sans-serif`;
  pen.textBaseline = "middle";
  const wide = pen.measureText(TEXT).width + size;
  pen.fillStyle = "rgb(0 0 0 / 0.6)";
  pen.fillRect(size / 2, frame.height - 2.2 * size, wide, 1.7 * size);
  pen.fillStyle = "white";
  pen.fillText(TEXT, size, frame.height - 1.35 * size);
}
