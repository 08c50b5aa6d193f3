/**
 * `swap` paints one aligned face with the IDN. It knows nothing of video, identities or the screen.
 *
 * The kernels are in the session already, one session per identity: that costs some milliseconds
 * once and saves half of every frame. The twin of demo/swap.py.
 */
import { tensor } from "./image.js";

/**
 * @param {import("./sessions.js").Session} session
 * @param {ImageData} crop  (224, 224) RGBA, aligned
 * @returns {Promise<{ patch: ImageData, mask: Float32Array }>} patch like crop; mask (224, 224) 0..1
 */
export async function swap(session, crop) {
  const { patch, mask } = await session({ crop: tensor(crop) });
  const out = new ImageData(crop.width, crop.height);
  const plane = crop.width * crop.height;
  for (let i = 0, j = 0; i < plane; i++, j += 4) {
    out.data[j] = patch[i] * 255; // clamped and rounded by the array
    out.data[j + 1] = patch[i + plane] * 255;
    out.data[j + 2] = patch[i + 2 * plane] * 255;
    out.data[j + 3] = 255;
  }
  return { patch: out, mask };
}
