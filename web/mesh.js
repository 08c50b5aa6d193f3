/**
 * `mesh` finds the 468 points of an aligned face.
 *
 * It knows one crop. It knows nothing of frames, identities or what the mesh is for. The twin of
 * demo/mesh.py; how the head is turned matters to the mesh engine only, which stays on the server.
 *
 * @typedef {object} Mesh
 * @property {Float32Array} points  (468, 3), x y in crop pixels, z in the same unit, towards the
 *   camera negative
 * @property {number} score  0..1, whether there is a face at all
 */
import { tensor } from "./image.js";

const SPOTS = [4, 78, 308]; // of the 468: tip of the nose, left and right corner of the mouth

/**
 * @param {import("./sessions.js").Session} session
 * @param {ImageData} crop  (224, 224) RGBA, aligned
 * @returns {Promise<Mesh>}
 */
export async function mesh(session, crop) {
  const { points, score } = await session({ crop: tensor(crop) });
  return { points, score: score[0] };
}

/**
 * Middles of the eyes, tip of the nose, corners of the mouth.
 * @param {number[][]} points  (468, 2), or more that is not looked at
 * @param {import("./manifest.js").Topology} topology
 * @returns {import("./align.js").Point[]}
 */
export function five(points, topology) {
  const parts = [topology.left_eye, topology.right_eye, ...SPOTS.map((spot) => [spot])];
  return parts.map((part) => {
    const mean = (/** @type {0 | 1} */ axis) =>
      part.reduce((sum, i) => sum + points[i][axis], 0) / part.length;
    return [mean(0), mean(1)];
  });
}
