/**
 * `track` follows faces over time: who is who, where exactly, and how strongly to paint.
 *
 * It knows boxes, points and seconds. It knows nothing of pixels, networks or what the faces are
 * for. The twin of demo/track.py, without the looks: a phone follows by place alone.
 *
 * @typedef {object} Tracked  one followed face
 * @property {number} number  from 1, stays with the person
 * @property {import("./detect.js").Face} face  box and points smoothed
 * @property {number} strength  0 nothing .. 1 all
 * @property {number} missed  frames since it was last detected, at most BRIDGE
 *
 * @typedef {Float64Array} Place  (7, 2): two corners of the box, five points; pixels
 */

const CUTOFF = 0.8; // Hz, of the points of a head that is still
const SWIFT = 8.0; // Hz more for each face size a second that the head moves
const PACE = 2.5; // Hz, cutoff of the speed itself
export const BRIDGE = 5; // frames without a detection through which a face is carried
const HOLD = 3; // of them, at full strength
const KEEP = 1.0; // seconds that a lost face is remembered by its place
const FADE = 0.2; // seconds from nothing to all
const OVERLAP = 0.2; // 0..1, of boxes, under which two faces are not the same
const TINY = [10, 16]; // pixels between the eyes: nothing below, all above
const NARROW = [0.25, 0.45]; // eye distance over eye-mouth distance, of a head that turns away

/** What is remembered of one person, as it was at `seen` seconds. */
class Track {
  /**
   * @param {number} number
   * @param {import("./detect.js").Face} face
   * @param {number} time
   * @param {number} strength
   */
  constructor(number, face, time, strength) {
    this.number = number;
    this.strength = strength;
    this.place = placed(face);
    this.speed = new Float64Array(14); // pixels a second
    this.seen = time;
    this.score = face.score;
    this.missed = 0;
  }

  /** The place at a later time, at the last known speed. @param {number} time @returns {Place} */
  at(time) {
    return this.place.map((value, i) => value + this.speed[i] * (time - this.seen));
  }

  /**
   * One-euro filter (Casiez et al. 2012): a still head is smoothed, a fast one is not late.
   *
   * The cutoff grows with the speed of all points together, measured in face sizes, so that the
   * noise of one point does not open it.
   * @param {import("./detect.js").Face} face
   * @param {number} time
   */
  follow(face, time) {
    const dt = time - this.seen;
    const step = placed(face).map((value, i) => value - this.place[i]);
    const keen = smoothing(PACE, dt);
    this.speed = this.speed.map((v, i) => v + keen * (step[i] / Math.max(dt, 1e-6) - v));
    const squares = this.speed.subarray(4).reduce((sum, v) => sum + v * v, 0);
    const pace = Math.sqrt(squares / 5) / size(this.place);
    const share = smoothing(CUTOFF + SWIFT * pace, dt);
    this.place = this.place.map((value, i) => value + share * step[i]);
    const most = dt / FADE;
    this.strength += Math.min(most, Math.max(-most, wanted(this.place) - this.strength));
    Object.assign(this, { seen: time, score: face.score, missed: 0 });
  }

  /** @param {number} time @returns {Tracked} */
  tracked(time) {
    const place = this.at(time);
    const box = /** @type {[number, number, number, number]} */ ([...place.subarray(0, 4)]);
    const left = Math.min(1, (BRIDGE + 1 - this.missed) / (BRIDGE + 1 - HOLD));
    const face = { box, points: spots(place), score: this.score };
    return { number: this.number, face, strength: this.strength * left, missed: this.missed };
  }
}

/** `update` with every frame's faces, in order; one tracker for one camera or clip. */
export class Tracker {
  constructor() {
    this.tracks = /** @type {Track[]} */ ([]); // followed now
    this.lost = /** @type {Track[]} */ ([]); // remembered
    this.time = -Infinity; // seconds, of the last update
    this.count = 0;
  }

  /**
   * The faces followed at `time`, in the order of their numbers.
   * @param {import("./detect.js").Face[]} faces  what `detect` found
   * @param {number} time  seconds, never backwards
   * @returns {Tracked[]}
   */
  update(faces, time) {
    if (time < this.time) {
      throw new RangeError(
        `track: got ${time.toFixed(3)} s after ${this.time.toFixed(3)} s; expected later`,
      );
    }
    this.time = time;
    const pairs = match(this.tracks, faces, time);
    const scene = faces.length > 0 && pairs.size === 0; // the first faces, or another scene
    this.tracks.forEach((track, i) => {
      const pair = pairs.get(i);
      if (pair === undefined) track.missed += scene ? BRIDGE + 1 : 1;
      else track.follow(faces[pair], time);
    });
    this.part(time);
    const known = new Set(pairs.values());
    const fresh = faces.filter((_, i) => !known.has(i));
    this.tracks.push(...fresh.map((face) => this.arrive(face, time, scene)));
    this.tracks.sort((a, b) => a.number - b.number);
    return this.tracks.map((track) => track.tracked(time));
  }

  /**
   * A face that nobody was: someone who was lost, or someone new. In a new scene it is there at
   * once; else it fades in, and a ghost of one frame is never seen.
   * @param {import("./detect.js").Face} face
   * @param {number} time
   * @param {boolean} scene
   */
  arrive(face, time, scene) {
    const known = recall(this.lost, placed(face));
    if (known) this.lost.splice(this.lost.indexOf(known), 1);
    else this.count += 1;
    const number = known ? known.number : this.count;
    return new Track(number, face, time, scene ? wanted(placed(face)) : 0);
  }

  /** Let go of those missed too long. @param {number} time */
  part(time) {
    this.lost.push(...this.tracks.filter((track) => track.missed > BRIDGE));
    this.tracks = this.tracks.filter((track) => track.missed <= BRIDGE);
    this.lost = this.lost.filter((track) => time - track.seen < KEEP);
  }
}

/**
 * Track -> face, by index: the surest pair first, none whose boxes hardly overlap.
 * @param {Track[]} tracks
 * @param {import("./detect.js").Face[]} faces
 * @param {number} time
 * @returns {Map<number, number>}
 */
function match(tracks, faces, time) {
  const likely = tracks.flatMap((track, i) =>
    faces.map((face, j) => ({ i, j, share: overlap(track.at(time), placed(face)) })),
  );
  const pairs = /** @type {Map<number, number>} */ (new Map());
  const taken = new Set();
  for (const { i, j, share } of likely.sort((a, b) => b.share - a.share)) {
    if (share <= OVERLAP || pairs.has(i) || taken.has(j)) continue;
    pairs.set(i, j);
    taken.add(j);
  }
  return pairs;
}

/** Which of the lost it is, by the place it was lost at. @param {Track[]} lost @param {Place} place */
function recall(lost, place) {
  const sure = (/** @type {Track} */ track) => overlap(track.place, place);
  const [best] = [...lost].sort((a, b) => sure(b) - sure(a));
  return best && sure(best) > OVERLAP ? best : null;
}

/**
 * Whether two boxes overlap so far that they may be of one face.
 * @param {import("./detect.js").Face} one
 * @param {import("./detect.js").Face} two
 */
export function meet(one, two) {
  return overlap(placed(one), placed(two)) > OVERLAP;
}

/** Intersection over union of two boxes, 0..1. @param {Place} a @param {Place} b */
function overlap(a, b) {
  const side = (/** @type {number} */ i) => Math.min(a[i + 2], b[i + 2]) - Math.max(a[i], b[i]);
  const shared = Math.max(0, side(0)) * Math.max(0, side(1));
  return shared / Math.max(surface(a) + surface(b) - shared, 1e-9);
}

/** @param {Place} place  @returns {number} square pixels of the box */
function surface([x0, y0, x1, y1]) {
  return (x1 - x0) * (y1 - y0);
}

/** @param {import("./detect.js").Face} face @returns {Place} */
function placed({ box, points }) {
  return Float64Array.from([...box, ...points.flat()]);
}

/** @param {Place} place @returns {import("./align.js").Point[]} */
function spots(place) {
  return [4, 6, 8, 10, 12].map((i) => [place[i], place[i + 1]]);
}

/** Side in pixels of a square as large as the box. @param {Place} place */
function size(place) {
  return Math.sqrt(Math.max(surface(place), 1));
}

/** Share of the new value in a first-order low-pass. @param {number} cutoff  Hz @param {number} dt  s */
function smoothing(cutoff, dt) {
  return dt > 0 ? 1 / (1 + 1 / (2 * Math.PI * cutoff * dt)) : 0;
}

/**
 * Strength 0..1 by what a face still shows: less when tiny, less when turned to a profile.
 * @param {Place} place
 */
function wanted(place) {
  const [left, right, , ...mouth] = spots(place);
  const middle = (/** @type {number[]} */ a, /** @type {number[]} */ b) => [
    (a[0] + b[0]) / 2,
    (a[1] + b[1]) / 2,
  ];
  const [eyes, lips] = [middle(left, right), middle(mouth[0], mouth[1])];
  const wide = Math.hypot(right[0] - left[0], right[1] - left[1]);
  const tall = Math.hypot(eyes[0] - lips[0], eyes[1] - lips[1]);
  return ramp(wide, TINY) * ramp(wide / Math.max(tall, 1e-6), NARROW);
}

/** @param {number} value @param {number[]} between */
function ramp(value, [low, high]) {
  return Math.min(1, Math.max(0, (value - low) / (high - low)));
}
