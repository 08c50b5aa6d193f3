/**
 * `encode` says who a face is. Run once per source; it knows nothing of targets. The twin of
 * demo/encode.py.
 *
 * @typedef {object} Identity
 * @property {Float32Array} embedding  (512,) unit
 * @property {Float32Array} features  (512, 7, 7) raw
 */
import { tensor } from "./image.js";

/**
 * @param {import("./sessions.js").Session} session
 * @param {ImageData} crop  (224, 224) RGBA, aligned
 * @returns {Promise<Identity>}
 */
export async function encode(session, crop) {
  const { embedding, features } = await session({ crop: tensor(crop) });
  return { embedding, features };
}
