/** The Picture tab: a target, its faces to choose from, the result, and the marked file. */
import { SwapError } from "../errors.js";
import { say } from "../words.js";
import { byId, download, onFile, press, show, stateLine } from "./common.js";

/**
 * @param {import("../engine.js").Engine} engine
 * @param {{ check: () => void }} source
 */
export function picturePanel(engine, source) {
  const state = stateLine("picture-state");
  engine.addEventListener("source", state.calm);
  const [canvas, boxes] = [byId("picture-shown"), byId("picture-faces")];
  const chosen = /** @type {Set<number>} */ (new Set());
  let original = /** @type {ImageData | null} */ (null);
  let result = /** @type {ImageData | null} */ (null);

  /** @param {Blob} file */
  async function take(file) {
    state.tell(say("targetWait"));
    try {
      const { bitmap, faces, width, height } = await engine.ask("target", { file });
      show(canvas, bitmap);
      original = pixels(canvas);
      lay(faces, width, height);
      const count = faces.length === 1 ? "1 face" : `${faces.length} faces`;
      state.tell(faces.length ? say("targetFound", { count }) : say("targetNone"));
    } catch (error) {
      state.fail(error);
    }
  }

  /** A button over each face. @param {any[]} faces @param {number} width @param {number} height */
  function lay(faces, width, height) {
    chosen.clear();
    result = null;
    byId("picture-frame").hidden = false;
    byId("picture-hint").hidden = byId("picture-after").hidden = true;
    byId("picture-drop").classList.add("full");
    canvas.setAttribute("aria-label", say("targetHint"));
    boxes.hidden = false;
    boxes.replaceChildren(...faces.map((face, i) => box(face, i, width, height)));
    boxes.firstElementChild?.click();
  }

  /** @param {any} face @param {number} i @param {number} width @param {number} height */
  function box({ box: [x0, y0, x1, y1] }, i, width, height) {
    const button = document.createElement("button");
    const share = (/** @type {number} */ value, /** @type {number} */ of) =>
      `${(100 * value) / of}%`;
    Object.assign(button.style, {
      left: share(x0, width),
      top: share(y0, height),
      width: share(x1 - x0, width),
      height: share(y1 - y0, height),
    });
    button.type = "button";
    button.setAttribute("aria-label", say("face", { number: i + 1 }));
    button.append(Object.assign(document.createElement("span"), { textContent: String(i + 1) }));
    button.addEventListener("click", () => {
      if (!chosen.delete(i)) chosen.add(i);
      button.setAttribute("aria-pressed", String(chosen.has(i)));
    });
    return button;
  }

  async function swap() {
    source.check();
    if (!original) throw new SwapError(say("needTarget"));
    state.tell(say("swapWait"));
    const start = performance.now();
    const strength = Number(byId("picture-strength").value);
    const { bitmap, report } = await engine.ask("picture", {
      chosen: [...chosen].sort(),
      strength,
    });
    show(canvas, bitmap);
    result = pixels(canvas);
    canvas.setAttribute("aria-label", say("resultAlt"));
    boxes.hidden = true;
    byId("picture-after").hidden = false;
    const spent = Math.round(performance.now() - start);
    const why = report.reasons.map((/** @type {string} */ reason) => ` Note: ${reason}.`).join("");
    state.tell(say("swapDone", { swapped: report.swapped, found: report.found, spent }) + why);
  }

  const before = byId("picture-before");
  before.addEventListener("click", () => {
    const on = before.getAttribute("aria-pressed") !== "true";
    before.setAttribute("aria-pressed", String(on));
    canvas.getContext("2d").putImageData(on ? original : result, 0, 0);
  });
  onFile(byId("picture-file"), take);
  press(byId("picture-swap"), state, async () => {
    before.setAttribute("aria-pressed", "false");
    await swap();
  });
  press(byId("picture-save"), state, async () => {
    const { file, signature } = await engine.ask("save");
    download(file, "swapped.jpg");
    state.tell(say(signature ? "saved" : "savedBare"));
  });
  return { take };
}

/** @param {any} canvas @returns {ImageData} */
function pixels(canvas) {
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
}
