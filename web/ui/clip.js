/** The Clip tab. */
import { byId, onFile, stateLine } from "./common.js";

/**
 * @param {import("../engine.js").Engine} engine
 * @param {{ check: () => void }} source
 */
export function clipPanel(engine, source) {
  const state = stateLine("clip-state");
  return { take: () => {} };
}
