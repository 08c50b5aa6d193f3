/**
 * `engine` is the worker behind the panels: started when first wanted, and only once.
 *
 * It knows bytes and sentences. It knows nothing of the page's elements.
 */
import { open } from "./remote.js";

/**
 * Events: "progress" { got, of }, "opening", "ready" { provider }, "failed" { error }, "lost", and
 * "source", which the first panel tells when its face or the consent has changed.
 */
export class Engine extends EventTarget {
  /** @param {URL} folder  the pack */
  constructor(folder) {
    super();
    this.folder = folder;
    this.opened = /** @type {Promise<import("./remote.js").Remote> | null} */ (null);
  }

  /** Begin to load, if nobody has yet. A failure is forgotten, so that it can be tried again. */
  start() {
    this.opened ??= this.open().catch((error) => {
      this.opened = null;
      this.tell("failed", { error });
      throw error;
    });
    return this.opened;
  }

  async open() {
    let over = false;
    const loading = open(this.folder, (got, of) => {
      if (!over) this.tell(got < of ? "progress" : "opening", { got, of });
    });
    const { remote, provider } = await loading.finally(() => (over = true));
    remote.lost = (reason) => this.tell("lost", { reason });
    this.tell("ready", { provider });
    return remote;
  }

  /**
   * @param {string} ask  see the table in worker.js
   * @param {object} options
   * @param {Transferable[]} transfer
   */
  async ask(ask, options = {}, transfer = []) {
    return (await this.start()).ask(ask, options, transfer);
  }

  /** @param {string} kind @param {object} detail */
  tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}
