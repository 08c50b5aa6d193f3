/**
 * `manifest` reads models/manifest.json, the single source of every constant, and checks the files.
 *
 * It knows names, sizes and sums. It opens no graph. The twin of demo/manifest.py.
 *
 * @typedef {object} Graph  one ONNX file
 * @property {string} file
 * @property {number} bytes
 * @property {string} sha256
 * @property {string} precision  of the stored weights; the maths are fp32
 * @property {string} [made_from]  sum of the fp32 file that a half-precision one was made from
 * @property {Record<string, any[]>} inputs
 * @property {Record<string, any[]>} outputs
 *
 * @typedef {object} Topology
 * @property {number} score  0..1, below which a crop holds no face
 * @property {number[]} oval  indices in order round the face
 * @property {number[]} left_eye  indices round it, as right_eye
 * @property {number[]} right_eye
 * @property {[number, number, number][]} mean  (468, 3), the mean mesh in crop pixels
 *
 * @typedef {object} Manifest
 * @property {{ template: import("./align.js").Point[], size: number,
 *   fit: "similarity" | "affine" }} align
 * @property {import("./detect.js").Options} detect
 * @property {Record<string, Graph>} graphs
 * @property {Topology} mesh
 */
import { PackError } from "./errors.js";

/**
 * @param {URL} folder  the pack, ending in a slash
 * @returns {Promise<Manifest>}
 */
export async function load(folder) {
  const answer = await fetch(new URL("manifest.json", folder)).catch(() => null);
  if (!answer) {
    throw new PackError(
      "no connection, and the networks are not on this device yet; connect and choose again",
    );
  }
  if (!answer.ok) {
    const why = `the server answered ${answer.status}`;
    throw new PackError(`manifest.json: ${why}; expected it in ${folder.pathname}`);
  }
  const manifest = await answer.json();
  const style = manifest.paste?.style ?? "plain";
  if (style !== "plain") {
    throw new PackError(
      `manifest.json: got paste style ${style}; expected plain, the one of this page`,
    );
  }
  return manifest;
}

/**
 * The files of all graphs, each of them checked.
 * @param {URL} folder  the pack
 * @param {Manifest} manifest
 * @param {(bytes: number) => void} progress  bytes that have come, each time some come
 * @returns {Promise<Record<string, Uint8Array>>} graph -> file
 */
export async function fetchGraphs(folder, { graphs }, progress) {
  const files = Object.entries(graphs).map(async ([name, graph]) => [
    name,
    await fetchGraph(folder, graph, progress),
  ]);
  return Object.fromEntries(await Promise.all(files));
}

/** Bytes of all graphs together. @param {Manifest} manifest */
export function sizeOf({ graphs }) {
  return Object.values(graphs).reduce((sum, graph) => sum + graph.bytes, 0);
}

/**
 * The bytes of a graph, byte for byte the ones released.
 * @param {URL} folder
 * @param {Graph} graph
 * @param {(bytes: number) => void} progress  bytes that have come, each time some come
 * @returns {Promise<Uint8Array>}
 */
export async function fetchGraph(folder, graph, progress) {
  const data = await fetchBytes(new URL(graph.file, folder), progress);
  const sum = await sha256(data);
  if (data.length !== graph.bytes || (sum && sum !== graph.sha256)) {
    const [got, wanted] = [data.length, graph.bytes].map((count) => count.toLocaleString("en"));
    throw new PackError(
      `${graph.file}: altered or cut short (${got} bytes, expected ${wanted} with another sha256); ` +
        "reload the page",
    );
  }
  return data;
}

/**
 * @param {URL} address
 * @param {(bytes: number) => void} progress
 * @returns {Promise<Uint8Array>}
 */
export async function fetchBytes(address, progress) {
  const answer = await fetch(address).catch(() => null);
  const name = address.pathname.split("/").pop();
  if (!answer?.ok || !answer.body) {
    const why = answer ? `the server answered ${answer.status}` : "no connection";
    throw new PackError(`${name}: ${why}; check the connection and reload the page`);
  }
  const parts = /** @type {Uint8Array[]} */ ([]);
  const reader = answer.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    progress(part.value.length);
  }
  return new Uint8Array(await new Blob(/** @type {BlobPart[]} */ (parts)).arrayBuffer());
}

/**
 * Hex digits; empty where the page has no secure context and with it no `crypto.subtle`.
 * @param {Uint8Array} data
 */
async function sha256(data) {
  if (!globalThis.crypto?.subtle) return "";
  const sum = await crypto.subtle.digest("SHA-256", /** @type {BufferSource} */ (data));
  return Array.from(new Uint8Array(sum), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
