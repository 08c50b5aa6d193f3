/**
 * `runtime` says which files of ONNX Runtime Web a device needs, and where they lie. The plain
 * build is half the size of the one that knows WebGPU.
 */

export const VENDOR = new URL("./vendor/", import.meta.url);

const BUILDS = {
  wasm: { module: "ort.wasm.min.mjs", binary: "ort-wasm-simd-threaded.wasm", size: 14_239_897 },
  webgpu: {
    module: "ort.webgpu.min.mjs",
    binary: "ort-wasm-simd-threaded.asyncify.wasm",
    size: 26_781_914,
  },
};

/**
 * @param {"wasm" | "webgpu"} device
 * @returns {{ module: URL, address: URL, size: number }} module: to import; address: of the binary;
 *   size: its bytes before they are counted
 */
export function runtimeOf(device) {
  const { module, binary, size } = BUILDS[device];
  return { module: new URL(module, VENDOR), address: new URL(binary, VENDOR), size };
}
