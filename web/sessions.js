/**
 * `sessions` turns a graph's bytes into a function from named arrays to named arrays.
 *
 * The one import of ONNX Runtime Web. It knows devices and threads; it knows nothing of faces. The
 * twin of demo/sessions.py.
 *
 * @typedef {{ data: Float32Array, dims: number[] }} Tensor
 * @typedef {((inputs: Record<string, Tensor>) => Promise<Record<string, Float32Array>>) &
 *   { release: () => Promise<void> }} Session
 * @typedef {"wasm" | "webgpu"} Device
 */
import { PackError } from "./errors.js";
import { runtimeOf, VENDOR } from "./runtime.js";

/** @type {any} the module onnxruntime-web, once started */
let ort = null;

/**
 * Load the runtime; once in a worker's life, because it fixes its threads at the start.
 * @param {Device} device
 * @param {number} threads
 * @param {Uint8Array} binary  the WebAssembly file
 */
export async function start(device, threads, binary) {
  ort = await import(runtimeOf(device).module.href).catch((error) => {
    throw new PackError(`the runtime did not load (${error.message}); reload the page`);
  });
  ort.env.wasm.wasmPaths = VENDOR.href; // here, because import maps do not reach workers
  ort.env.wasm.wasmBinary = binary;
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  // The runtime is compiled when it is first asked for anything; no graph is needed for that.
  const options = { executionProviders: [device] };
  await ort.InferenceSession.create(new Uint8Array(1), options).catch(() => {});
}

/**
 * Open a graph.
 * @param {Uint8Array} bytes
 * @param {Device} device
 * @param {Float32Array} [kernels]  (22291,), baked into the graph as constants: as inputs they would
 *   be re-packed every frame
 * @param {object} [more]  options of the runtime, for tests that ask it where each node ran
 * @returns {Promise<Session>}
 */
export async function openSession(bytes, device, kernels, more = {}) {
  const options = { executionProviders: [device], graphOptimizationLevel: "all", ...more };
  const data = kernels && new Uint8Array(kernels.slice().buffer);
  const external = data ? { externalData: [{ path: "kernels.bin", data }] } : {};
  const net = await ort.InferenceSession.create(bytes, { ...options, ...external }).catch(
    (/** @type {Error} */ error) => {
      throw new PackError(`not a graph that opens here (${error.message})`);
    },
  );
  return Object.assign(caller(net), { release: () => net.release() });
}

/** @param {any} net @returns {(inputs: Record<string, Tensor>) => Promise<Record<string, Float32Array>>} */
function caller(net) {
  return async (inputs) => {
    const feeds = Object.entries(inputs).map(([name, { data, dims }]) => [
      name,
      new ort.Tensor("float32", data, dims),
    ]);
    const answers = await net.run(Object.fromEntries(feeds));
    const read = Object.entries(answers).map(([name, tensor]) => [name, tensor.data]);
    return Object.fromEntries(read);
  };
}

/** Resolves with the reason when the GPU is gone. @returns {Promise<string>} */
export async function lost() {
  const device = await ort.env.webgpu.device;
  return (await device.lost).message;
}
