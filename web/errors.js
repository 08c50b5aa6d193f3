/**
 * Every way a run can fail, by name. Each message says what was got, what was expected, what to do.
 * The same names as demo/errors.py.
 */

/** The parent of every named failure: its message is meant for a person. */
export class SwapError extends Error {
  get name() {
    return this.constructor.name;
  }
}

/** The source picture shows no face. */
export class NoFaceError extends SwapError {}

/** The source's face has too few pixels to learn a likeness from. */
export class SmallFaceError extends SwapError {}

/** The file is no picture, clip or identity that can be read here. */
export class UnreadableError extends SwapError {}

/** The file is larger than the limit. */
export class TooLargeError extends SwapError {}

/** A model file is missing, truncated or altered, or does not fit the others. */
export class PackError extends SwapError {}

/** A method was called before the one that it stands on. */
export class CallOrderError extends SwapError {}

/** The visitor stopped the work. */
export class CancelledError extends SwapError {}

const NAMED = {
  NoFaceError,
  SmallFaceError,
  UnreadableError,
  TooLargeError,
  PackError,
  CallOrderError,
  CancelledError,
  SwapError,
};

/**
 * An error as a plain object that postMessage carries, and back.
 * @param {any} error
 * @returns {{ kind: string, message: string }}
 */
export function flatten(error) {
  return { kind: error?.name ?? "Error", message: error?.message ?? String(error) };
}

/**
 * @param {{ kind: string, message: string }} flat
 * @returns {Error}
 */
export function revive(flat) {
  return new (NAMED[/** @type {keyof typeof NAMED} */ (flat.kind)] ?? Error)(flat.message);
}
