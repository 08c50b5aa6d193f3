/**
 * `live` runs the visitor's camera through the swapper: one frame in flight, the newest waits, the
 * rest are let go.
 *
 * It knows a video element and a function that swaps a bitmap. It knows nothing of the screen. Whoever
 * receives a bitmap closes it. The twin of demo/live.py.
 *
 * @typedef {object} Shown
 * @property {ImageBitmap} bitmap  to be closed by whoever takes it
 * @property {import("./pipeline.js").Report} report
 * @property {number} fps  frames a second, over the last second
 * @property {number} latency  milliseconds from the camera to here, median of the last second
 */

const SPAN = 1000; // milliseconds over which rates are taken

export class Live {
  /**
   * @param {HTMLVideoElement} video  playing
   * @param {(bitmap: ImageBitmap, time: number) => Promise<{ bitmap: ImageBitmap, report: any }>} swap
   * @param {(shown: Shown) => void} show
   * @param {(error: any) => void} fail  after it, nothing more comes
   */
  constructor(video, swap, show, fail) {
    this.video = video;
    this.swap = swap;
    this.show = show;
    this.fail = fail;
    this.busy = false;
    this.running = true;
    this.pending = /** @type {{ bitmap: ImageBitmap, taken: number } | null} */ (null);
    this.log = /** @type {{ at: number, late: number }[]} */ ([]);
    this.next();
  }

  /** Wait for the camera's next frame. */
  next() {
    this.video.requestVideoFrameCallback((now, { captureTime }) => {
      if (!this.running) return;
      this.next();
      this.grab(captureTime ?? now);
    });
  }

  /** @param {number} taken  milliseconds, when the camera saw it */
  async grab(taken) {
    const bitmap = await createImageBitmap(this.video).catch(() => null);
    if (!bitmap) return;
    this.pending?.bitmap.close();
    this.pending = { bitmap, taken };
    if (!this.busy) await this.work();
  }

  /** Swap what waits, until nothing waits. */
  async work() {
    this.busy = true;
    try {
      while (this.pending && this.running) {
        const { bitmap, taken } = this.pending;
        this.pending = null;
        const done = await this.swap(bitmap, taken / 1000);
        if (this.running) this.show({ ...done, ...this.rates(taken) });
        else done.bitmap.close();
      }
    } catch (error) {
      this.stop();
      this.fail(error);
    }
    this.busy = false;
  }

  /** @param {number} taken */
  rates(taken) {
    const now = performance.now();
    this.log = this.log.filter(({ at }) => now - at < SPAN);
    this.log.push({ at: now, late: now - taken });
    const late = this.log.map((entry) => entry.late).sort((a, b) => a - b);
    return { fps: this.log.length * (1000 / SPAN), latency: late[late.length >> 1] };
  }

  stop() {
    this.running = false;
    this.pending?.bitmap.close();
    this.pending = null;
  }
}
