/**
 * `camera` gives a video element the visitor's camera, and names what can go wrong.
 */
import { say } from "./words.js";

/**
 * @param {HTMLVideoElement} video
 * @param {"user" | "environment"} facing
 * @param {() => void} ended  when the camera is taken away
 * @returns {Promise<() => void>} ends it
 */
export async function camera(video, facing, ended = () => {}) {
  if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
  const wanted = {
    facingMode: facing,
    width: { ideal: 640 },
    height: { ideal: 480 },
    frameRate: { ideal: 30 },
  };
  const stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
  const [track] = stream.getVideoTracks();
  track.addEventListener("ended", ended);
  video.srcObject = stream;
  await video.play();
  return () => {
    track.removeEventListener("ended", ended);
    track.stop();
    video.srcObject = null;
  };
}

/** @param {any} error  of getUserMedia @returns {string} */
export function cameraWords(error) {
  const known = /** @type {const} */ ({
    NotAllowedError: "liveDenied",
    NotFoundError: "liveMissing",
    OverconstrainedError: "liveMissing",
    NotReadableError: "liveBusy",
    SecurityError: "liveInsecure",
  });
  const key = known[/** @type {keyof typeof known} */ (error?.name)];
  return key ? say(key) : String(error?.message ?? error);
}
