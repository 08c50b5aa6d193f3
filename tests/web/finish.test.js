/** What is done to a patch, held against Python's answers to the same made-up pictures. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { apart, bytes, golden } from "./golden.js";
import { finish, refocus, tint } from "../../web/finish.js";
import { toLab, toRgb } from "../../web/lab.js";

const SIDE = 224;
const STEP = 7; // rows, of which one is kept
const { sharp, tint: tinted } = golden("finish");

/** Waves on a slope. @param {number[]} colour @param {number} strength */
function picture(colour, strength) {
  const data = new Uint8ClampedArray(4 * SIDE * SIDE).fill(255);
  for (let i = 0; i < SIDE * SIDE; i++) {
    const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
    const wave = ((x * 13 + y * 7) % 32) - (Math.floor((x * y) / 64) % 16);
    colour.forEach((level, channel) => {
      const shade = Math.floor(x / 4) + Math.floor(y / 8);
      data[4 * i + channel] = level + shade + Math.floor((wave * strength) / 4);
    });
  }
  return new ImageData(data, SIDE, SIDE);
}

/** @param {ImageData} image  the rows that are kept, without alpha */
function rows({ data }) {
  return Array.from({ length: SIDE / STEP }, (_, row) =>
    Array.from(data.subarray(4 * SIDE * STEP * row, 4 * SIDE * (STEP * row + 1))),
  ).flatMap((row) => row.filter((_, i) => i % 4 < 3));
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
function mean(a, b) {
  return Array.from(a, (value, i) => Math.abs(value - b[i])).reduce((x, y) => x + y) / a.length;
}

const [crop, patch] = [picture([120, 84, 60], 5), picture([96, 88, 92], 2)];
const mask = Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
  const away = Math.sqrt(((i % SIDE) - 112) ** 2 + (Math.floor(i / SIDE) - 118) ** 2);
  return away < 12 ? 0 : 0.7 * Math.min(1, Math.max(0, (84 - away) / 24)); // half faded; a mouth
});

test("a patch is made as sharp as Python makes it", () => {
  const [found, known] = [rows(refocus(patch, crop, mask)), bytes(sharp)];
  assert.ok(apart(found, known) <= 1 && mean(found, known) < 0.01, `${mean(found, known)}`);
  assert.ok(mean(found, rows(patch)) > 1);
});

test("a seam's colour is carried as Python carries it", () => {
  const [found, known] = [rows(tint(patch, crop, mask)), bytes(tinted)];
  // cv2 reads CIELAB off a table that is up to 0.3 off the formula; ours is the formula.
  assert.ok(apart(found, known) <= 1 && mean(found, known) < 0.4, `${mean(found, known)}`);
  assert.ok(mean(found, rows(patch)) > 5);
});

test("without a face in it a patch stays as it is", () => {
  assert.equal(finish(patch, crop, new Float32Array(SIDE * SIDE)), patch);
});

test("CIELAB there and back, and its white, black and red", () => {
  const colours = Float32Array.from({ length: 3 * 50 }, (_, i) => (i * 37) % 256);
  assert.ok(apart(toRgb(toLab(colours)), colours) < 0.02);
  const known = [100, 0, 53.24, 0, 0, 80.09, 0, 0, 67.2]; // CIE, of white, black, red
  assert.ok(apart(toLab(Float32Array.from([255, 0, 255, 255, 0, 0, 255, 0, 0])), known) < 0.05);
});
