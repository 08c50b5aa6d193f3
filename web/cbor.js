/**
 * `cbor` writes values as CBOR (RFC 8949), as far as C2PA and COSE need it.
 */

const KIND = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6 };

/** A value with a CBOR tag. */
export class Tagged {
  /** @param {number} tag @param {any} value */
  constructor(tag, value) {
    this.tag = tag;
    this.value = value;
  }
}

/**
 * @param {any} value  null, whole number, string, Uint8Array, array, Map, Tagged or plain object
 * @returns {Uint8Array}
 */
export function cbor(value) {
  if (value === null) return Uint8Array.of(0xf6);
  if (typeof value === "number") {
    return value < 0 ? head(KIND.negative, -1 - value) : head(KIND.uint, value);
  }
  if (typeof value === "string") {
    const text = new TextEncoder().encode(value);
    return join(head(KIND.text, text.length), text);
  }
  if (value instanceof Uint8Array) return join(head(KIND.bytes, value.length), value);
  if (Array.isArray(value)) return join(head(KIND.array, value.length), ...value.map(cbor));
  if (value instanceof Tagged) return join(head(KIND.tag, value.tag), cbor(value.value));
  const pairs = value instanceof Map ? [...value] : Object.entries(value);
  return join(head(KIND.map, pairs.length), ...pairs.flat().map(cbor));
}

/** @param {number} kind @param {number} count  below 2 ** 32 @returns {Uint8Array} */
function head(kind, count) {
  if (count < 24) return Uint8Array.of((kind << 5) | count);
  const [code, size] = count < 256 ? [24, 1] : count < 65536 ? [25, 2] : [26, 4];
  return join(Uint8Array.of((kind << 5) | code), whole(count, size));
}

/**
 * A whole number, the highest byte first.
 * @param {number} value
 * @param {number} size  bytes
 */
export function whole(value, size) {
  return Uint8Array.from(
    { length: size },
    (_, i) => Math.floor(value / 256 ** (size - 1 - i)) % 256,
  );
}

/** @param {Uint8Array[]} parts @returns {Uint8Array} */
export function join(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
