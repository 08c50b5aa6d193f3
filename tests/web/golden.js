/** What the tests share: the golden files, and the one browser class that the stages make. */
import { readFileSync } from "node:fs";

const FOLDER = new URL("../golden/", import.meta.url);

/** @param {string} name */
export function golden(name) {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf8"));
}

/** @param {string} text  base64 @returns {Uint8Array} */
export function bytes(text) {
  return new Uint8Array(Buffer.from(text, "base64"));
}

/** The largest difference between two lists of numbers. */
export function apart(a, b) {
  if (a.length !== b.length) throw new Error(`${a.length} numbers against ${b.length}`);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));
}

class ImageData {
  constructor(data, width, height) {
    Object.assign(this, { data, width, height });
  }
}
globalThis.ImageData ??= ImageData;
