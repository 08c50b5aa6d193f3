/** The first panel: whose face, by file, paste, camera or identity, and the visitor's consent. */
import { camera, cameraWords } from "../camera.js";
import { SwapError } from "../errors.js";
import { say } from "../words.js";
import { byId, download, onFile, press, show, stateLine } from "./common.js";
import { phonePanel } from "./phone.js";

/** @param {import("../engine.js").Engine} engine */
export function sourcePanel(engine) {
  const state = stateLine("source-state");
  const consent = byId("consent");
  let chosen = false;

  /** @param {Blob} file */
  async function take(file) {
    chosen = consent.checked = false; // asked once per source
    state.tell(say("sourceWait"));
    try {
      const { face } = await engine.ask("source", { file });
      chosen = true;
      shown(face, /** @type {File} */ (file).name);
    } catch (error) {
      shown(null, "");
      state.fail(error);
    }
  }

  /** @param {ImageBitmap | null} face @param {string} name */
  function shown(face, name) {
    const canvas = byId("source-face");
    canvas.hidden = !face;
    canvas.setAttribute("aria-label", say("sourceAlt"));
    if (face) show(canvas, face);
    byId("source-hint").hidden = Boolean(face);
    byId("identity-save").disabled = !chosen;
    if (chosen) state.tell(face ? say("sourceReady") : say("identityReady", { name }));
    engine.tell("source", {});
  }

  /** Throws what is missing before anything can be swapped. */
  function check() {
    if (!chosen) throw new SwapError(say("needSource"));
    if (!consent.checked) throw new SwapError(say("needConsent"));
  }

  consent.addEventListener("change", () => engine.tell("source", {}));
  onFile(byId("source-file"), take);
  press(byId("identity-save"), state, async () =>
    download(await engine.ask("identity"), "face.idn"),
  );
  shutter(take, state, engine);
  phonePanel();
  return { take, check, ready: () => chosen };
}

/**
 * A picture by the device's own camera.
 * @param {(file: Blob) => void} take
 * @param {ReturnType<typeof stateLine>} state
 * @param {import("../engine.js").Engine} engine
 */
function shutter(take, state, engine) {
  const video = byId("source-camera");
  const parts = ["source-camera", "source-shutter", "source-cancel"].map(byId);
  const rest = ["source-take", "source-face", "source-hint"].map(byId);
  let hidden = /** @type {boolean[]} */ ([]); // of the rest, before the camera took their place
  let stop = () => {};
  const turn = (/** @type {boolean} */ on) => {
    if (on) hidden = rest.map((part) => part.hidden);
    parts.forEach((part) => (part.hidden = !on));
    rest.forEach((part, i) => (part.hidden = on || hidden[i]));
    if (!on) stop();
  };
  press(byId("source-take"), state, async () => {
    engine.start().catch(() => {});
    stop = await camera(video, "user").catch((error) => {
      throw new SwapError(cameraWords(error));
    });
    turn(true);
  });
  byId("source-cancel").addEventListener("click", () => turn(false));
  press(byId("source-shutter"), state, async () => {
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    turn(false);
    take(await canvas.convertToBlob({ type: "image/png" }));
  });
}
