/** The foot of the page: what is loading, what it runs on, what was sent, and new versions. */
import { say } from "../words.js";
import { byId, stateLine } from "./common.js";

/** @param {import("../engine.js").Engine} engine */
export function statusBar(engine) {
  const state = stateLine("load-state");
  const bar = byId("load-progress");
  const megabytes = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(1);
  const on = (/** @type {string} */ kind, /** @type {(detail: any) => void} */ act) =>
    engine.addEventListener(kind, (event) => act(/** @type {CustomEvent} */ (event).detail));

  on("progress", ({ got, of }) => {
    bar.hidden = false;
    bar.value = got / of;
    state.tell(say("load", { got: megabytes(got), of: megabytes(of) }));
  });
  on("opening", () => state.tell(say("loadOpen")));
  on("ready", ({ provider }) => {
    bar.hidden = true;
    state.tell(say("ready", { provider }));
  });
  on("failed", ({ error }) => {
    bar.hidden = true;
    state.fail(error);
  });
  on("lost", ({ reason }) => state.tell(say("lost", { reason })));
  serviceWorker();
}

/** Register it, show what it counts, offer new versions. */
async function serviceWorker() {
  const worker = navigator.serviceWorker;
  if (!worker) return;
  worker.addEventListener("message", ({ data }) => {
    if (data.sent === undefined) return;
    byId("sent").textContent = say("sent", { bytes: data.sent.toLocaleString("en") });
    byId("sent")
      .closest("details")
      .classList.toggle("bad", data.sent > 0);
  });
  const registration = await worker.register("./sw.js").catch(() => null);
  if (!registration) return;
  isolate(worker);
  offer(registration);
}

/** A host without our headers: the service worker adds them from the second load on. @param {any} worker */
async function isolate(worker) {
  if (crossOriginIsolated || sessionStorage.getItem("reloaded")) return;
  await worker.ready;
  if (!worker.controller)
    await new Promise((done) => worker.addEventListener("controllerchange", done, { once: true }));
  sessionStorage.setItem("reloaded", "yes");
  location.reload();
}

/** @param {ServiceWorkerRegistration} registration */
function offer(registration) {
  const waiting = () => {
    if (registration.waiting && navigator.serviceWorker.controller) byId("update").hidden = false;
  };
  waiting();
  registration.addEventListener("updatefound", () =>
    registration.installing?.addEventListener("statechange", waiting),
  );
  byId("reload").addEventListener("click", () => {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), {
      once: true,
    });
    registration.waiting?.postMessage({ ask: "activate" });
  });
}
