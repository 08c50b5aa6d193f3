/** The Clip tab: a clip in, how far it is, a marked clip out. */
import { SwapError } from "../errors.js";
import { swapClip } from "../video.js";
import { say } from "../words.js";
import { byId, onFile, press, stateLine } from "./common.js";

/**
 * @param {import("../engine.js").Engine} engine
 * @param {{ check: () => void }} source
 */
export function clipPanel(engine, source) {
  const state = stateLine("clip-state");
  engine.addEventListener("source", state.calm);
  const [video, bar, save] = ["clip-shown", "clip-progress", "clip-save"].map(byId);
  let file = /** @type {File | null} */ (null);
  let abort = new AbortController();

  /** @param {File} chosen */
  function take(chosen) {
    file = chosen;
    play(chosen);
    byId("clip-after").hidden = true;
    state.tell("");
    engine.start().catch(() => {});
  }

  /** Show a clip in place of the last. @param {Blob} blob */
  function play(blob) {
    URL.revokeObjectURL(video.src);
    video.src = URL.createObjectURL(blob);
    video.hidden = false;
    byId("clip-hint").hidden = true;
    byId("clip-drop").classList.add("full");
  }

  async function start() {
    source.check();
    if (!file) throw new SwapError(say("needClip"));
    video.pause();
    await engine.ask("restart");
    abort = new AbortController();
    const began = performance.now();
    working(true);
    const done = await swapClip(file, swap, (share) => tell(share, began), abort.signal).finally(
      () => working(false),
    );
    finish(done, began);
  }

  /** @param {ImageBitmap} bitmap @param {number} time */
  function swap(bitmap, time) {
    return engine.ask("clip", { bitmap, time, strength: 1 }, [bitmap]);
  }

  /** @param {number} share @param {number} began */
  function tell(share, began) {
    bar.value = share;
    const left = ((performance.now() - began) * (1 - share)) / Math.max(share, 0.01) / 1000;
    state.tell(say("clipWait", { percent: Math.floor(share * 100), left: duration(left) }));
  }

  /** @param {import("../video.js").Done} done @param {number} began */
  function finish({ blob, frames, swapped, sound }, began) {
    play(blob);
    save.href = video.src;
    save.download = blob.type.includes("mp4") ? "swapped.mp4" : "swapped.webm";
    byId("clip-after").hidden = false;
    const heard =
      { kept: say("clipSound"), none: say("clipSilent") }[sound] ??
      say("clipLostSound", { reason: sound });
    const spent = ((performance.now() - began) / 1000).toFixed(0);
    state.tell(say("clipDone", { frames, swapped, spent, sound: heard }));
  }

  /** @param {boolean} on */
  function working(on) {
    bar.hidden = byId("clip-cancel").hidden = !on;
    byId("clip-start").hidden = on;
    bar.value = 0;
  }

  onFile(byId("clip-file"), take);
  press(byId("clip-start"), state, start);
  byId("clip-cancel").addEventListener("click", () => abort.abort());
  return { take };
}

/** @param {number} seconds */
function duration(seconds) {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
