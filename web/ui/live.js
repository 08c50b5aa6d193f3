/** The Camera tab: start, stop, turn, and the figures of the stream. */
import { camera, cameraWords } from "../camera.js";
import { SwapError } from "../errors.js";
import { Live } from "../live.js";
import { say } from "../words.js";
import { byId, press, stateLine } from "./common.js";

/**
 * @param {import("../engine.js").Engine} engine
 * @param {{ check: () => void }} source
 */
export function livePanel(engine, source) {
  const state = stateLine("live-state");
  engine.addEventListener("source", state.calm);
  const [canvas, video] = [byId("live-shown"), byId("live-camera")];
  let facing = /** @type {"user" | "environment"} */ ("user");
  let live = /** @type {Live | null} */ (null);
  let end = () => {};

  async function start() {
    source.check();
    state.tell(say("liveWait"));
    await engine.ask("restart");
    end = await camera(video, facing, () => stop("liveEnded")).catch((error) => {
      throw new SwapError(cameraWords(error));
    });
    live = new Live(video, swap, show, (error) => {
      stop();
      state.fail(error);
    });
    controls(true);
    state.tell("");
  }

  /** @param {ImageBitmap} bitmap @param {number} time */
  function swap(bitmap, time) {
    const [strength, mirror] = [Number(byId("live-strength").value), byId("live-mirror").checked];
    return engine.ask("frame", { bitmap, time, strength, mirror }, [bitmap]);
  }

  /** @param {import("../live.js").Shown} shown */
  function show({ bitmap, report, fps, latency }) {
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    }
    canvas.getContext("bitmaprenderer").transferFromImageBitmap(bitmap);
    const seen = say(report.found ? "liveOne" : "liveNone");
    const stats = byId("live-stats");
    stats.dataset.milliseconds = JSON.stringify(report.milliseconds);
    stats.textContent = say("liveStats", {
      fps: fps.toFixed(0),
      latency: latency.toFixed(0),
      faces: seen,
    });
  }

  /** @param {"liveEnded" | "liveHidden"} [why] */
  function stop(why) {
    if (!live) return;
    live.stop();
    end();
    live = null;
    controls(false);
    state.tell(why ? say(why) : "");
  }

  /** @param {boolean} on */
  function controls(on) {
    canvas.hidden = byId("live-stop").hidden = byId("live-turn").hidden = !on;
    byId("live-hint").hidden = byId("live-start").hidden = on;
    canvas.parentElement.classList.toggle("full", on);
    byId("live-stats").textContent = "";
    canvas.setAttribute("aria-label", say("liveAlt"));
    (on ? byId("live-stop") : byId("live-start")).focus();
  }

  press(byId("live-start"), state, start);
  byId("live-stop").addEventListener("click", () => stop());
  press(byId("live-turn"), state, async () => {
    facing = facing === "user" ? "environment" : "user";
    byId("live-mirror").checked = facing === "user";
    stop();
    await start();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop("liveHidden");
  });
  return { stop };
}
