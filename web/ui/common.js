/**
 * What the panels share: elements by their id, texts, errors as sentences, files that are dropped or
 * pasted. The only place that turns an error into words on the page.
 */
import { say, WORDS } from "../words.js";

/** @param {string} id @returns {any} */
export function byId(id) {
  return document.getElementById(id);
}

/** Fill in every text. @param {ParentNode} root */
export function write(root) {
  for (const element of root.querySelectorAll("[data-word]")) {
    const key = /** @type {keyof typeof WORDS} */ (element.getAttribute("data-word"));
    element.textContent = say(key);
  }
}

/** A line that tells how things stand. @param {string} id */
export function stateLine(id) {
  const line = byId(id);
  const put = (/** @type {string} */ text, bad = false) => {
    line.textContent = text;
    line.classList.toggle("bad", bad);
  };
  return {
    tell: (/** @type {string} */ text) => put(text),
    /** @param {any} error */
    fail: (error) => {
      put(sentence(error), true);
      if (!error?.message) console.error(error);
    },
    /** What was wrong may be so no longer. */
    calm: () => {
      if (line.classList.contains("bad")) put("");
    },
  };
}

/** @param {any} error */
function sentence(error) {
  const text = error?.message || String(error);
  const name = /^[^\s:]+\.\w+:/.test(text); // a file's is left as it is
  const first = name ? text.charAt(0) : text.charAt(0).toUpperCase();
  return first + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

/**
 * Run work for a button: it cannot be pressed twice, and a failure is said.
 * @param {any} button
 * @param {{ fail: (error: any) => void }} state
 * @param {() => Promise<void>} work
 */
export function press(button, state, work) {
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    await work().catch(state.fail);
    button.removeAttribute("aria-busy");
  });
}

/**
 * Tabs with the arrow keys, as ARIA's practices want.
 * @param {HTMLElement} root
 * @param {(name: string) => void} changed
 * @returns {() => string} which is open
 */
export function tabs(root, changed) {
  const all = /** @type {HTMLElement[]} */ ([...root.querySelectorAll('[role="tab"]')]);
  const name = (/** @type {HTMLElement} */ tab) => tab.id.replace("tab-", "");
  const select = (/** @type {HTMLElement} */ chosen) => {
    for (const tab of all) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      byId(`panel-${name(tab)}`).hidden = tab !== chosen;
    }
    changed(name(chosen));
  };
  all.forEach((tab, i) => {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (!step) return;
      const next = all[(i + step + all.length) % all.length];
      next.focus();
      select(next);
    });
  });
  return () =>
    name(
      /** @type {HTMLElement} */ (all.find((tab) => tab.getAttribute("aria-selected") === "true")),
    );
}

/** @param {HTMLElement} area @param {(file: File) => void} take */
export function onDrop(area, take) {
  area.addEventListener("dragover", (event) => {
    event.preventDefault();
    area.classList.add("over");
  });
  area.addEventListener("dragleave", () => area.classList.remove("over"));
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("over");
    const [file] = event.dataTransfer?.files ?? [];
    if (file) take(file);
  });
}

/** @param {(file: File) => void} take */
export function onPaste(take) {
  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData?.files ?? [];
    if (file) take(file);
  });
}

/** @param {any} input @param {(file: File) => void} take */
export function onFile(input, take) {
  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = ""; // the same file can be chosen again
    if (file) take(file);
  });
}

/** Draw a bitmap on a canvas of its size and close it. @param {any} canvas @param {ImageBitmap} bitmap */
export function show(canvas, bitmap) {
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  canvas.hidden = false;
}

/** Hand a file to the visitor. @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
