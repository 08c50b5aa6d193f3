/**
 * `certificate` makes a chain that signs C2PA manifests: a P-256 leaf under a P-256 root, of this
 * page's visit, never stored. Readers say "valid, signer unknown", which is the truth. The twin of
 * `credentials` in demo/provenance.py.
 *
 * X.509 in DER (RFC 5280): a tag, a length, a content, and contents are such things again.
 */
import { join, whole } from "./cbor.js";

const NAME = "MobileFaceSwap";
const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const HASH = { name: "ECDSA", hash: "SHA-256" };
const DAY = 86_400_000; // milliseconds

/**
 * @typedef {object} Credentials
 * @property {Uint8Array[]} chain  leaf, root; DER
 * @property {(data: Uint8Array) => Promise<Uint8Array>} sign  ES256: r and s, 64 bytes
 */

/** @type {Promise<Credentials> | null} */
let made = null;

/** This visit's own. */
export function credentials() {
  made ??= make();
  return made;
}

/** @returns {Promise<Credentials>} */
async function make() {
  const [root, leaf] = await Promise.all([pair(), pair()]);
  const chain = await Promise.all([
    certificate(NAME, leaf, root, false),
    certificate(`${NAME} root`, root, root, true),
  ]);
  return { chain, sign: (data) => sign(leaf, data) };
}

function pair() {
  return crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
}

/** @param {CryptoKeyPair} keys @param {Uint8Array} data @returns {Promise<Uint8Array>} */
async function sign(keys, data) {
  const bytes = /** @type {BufferSource} */ (data);
  return new Uint8Array(await crypto.subtle.sign(HASH, keys.privateKey, bytes));
}

/**
 * C2PA asks of a leaf: digitalSignature, an extended usage, the authority's key identifier.
 * @param {string} name
 * @param {CryptoKeyPair} keys
 * @param {CryptoKeyPair} issuer
 * @param {boolean} authority
 */
async function certificate(name, keys, issuer, authority) {
  const [subject, by] = [await spki(keys), await spki(issuer)];
  const usage = authority ? [0x03, 0x02, 0x01, 0x06] : [0x03, 0x02, 0x07, 0x80]; // bits of a BIT STRING
  const extensions = [
    extension([2, 5, 29, 19], sequence(...(authority ? [Uint8Array.of(1, 1, 0xff)] : [])), true),
    extension([2, 5, 29, 15], Uint8Array.from(usage), true),
    extension([2, 5, 29, 35], sequence(der(0x80, await keyId(by)))),
    extension([2, 5, 29, 14], der(0x04, await keyId(subject))),
  ];
  const mail = oid([1, 3, 6, 1, 5, 5, 7, 3, 4]); // emailProtection, one of those that C2PA allows
  if (!authority) extensions.push(extension([2, 5, 29, 37], sequence(mail)));
  const body = sequence(
    der(0xa0, integer(Uint8Array.of(2))), // version 3
    integer(crypto.getRandomValues(new Uint8Array(16))),
    ES256,
    titled(`${NAME} root`),
    sequence(moment(Date.now() - DAY), moment(Date.now() + 365 * DAY)),
    titled(name),
    subject,
    der(0xa3, sequence(...extensions)),
  );
  const signature = await sign(issuer, body);
  const pair = sequence(integer(signature.slice(0, 32)), integer(signature.slice(32)));
  return sequence(body, ES256, bits(pair));
}

/** @param {CryptoKeyPair} keys @returns {Promise<Uint8Array>} SubjectPublicKeyInfo */
async function spki({ publicKey }) {
  return new Uint8Array(await crypto.subtle.exportKey("spki", publicKey));
}

/** SHA-1 of the key's 65 bytes (RFC 5280, 4.2.1.2). @param {Uint8Array} info */
async function keyId(info) {
  const point = /** @type {BufferSource} */ (info.slice(-65));
  return new Uint8Array(await crypto.subtle.digest("SHA-1", point));
}

/** @param {number[]} id @param {Uint8Array} value @param {boolean} critical */
function extension(id, value, critical = false) {
  const flag = critical ? [Uint8Array.of(1, 1, 0xff)] : [];
  return sequence(oid(id), ...flag, der(0x04, value));
}

/** @param {string} name */
function titled(name) {
  const part = (/** @type {number[]} */ id, /** @type {string} */ text) =>
    der(0x31, sequence(oid(id), der(0x0c, new TextEncoder().encode(text))));
  return sequence(part([2, 5, 4, 10], NAME), part([2, 5, 4, 3], name));
}

/** @param {number} tag @param {Uint8Array} content */
function der(tag, content) {
  const { length } = content;
  const size = length < 256 ? 1 : 2;
  const head = length < 128 ? [length] : [0x80 | size, ...whole(length, size)];
  return join(Uint8Array.of(tag, ...head), content);
}

/** @param {Uint8Array[]} parts */
function sequence(...parts) {
  return der(0x30, join(...parts));
}

/** A positive whole number without needless zeros. @param {Uint8Array} value */
function integer(value) {
  const first = value.findIndex((byte) => byte !== 0);
  const bare = value.slice(first < 0 ? value.length - 1 : first);
  return der(0x02, bare[0] & 0x80 ? join(Uint8Array.of(0), bare) : bare);
}

/** @param {Uint8Array} content */
function bits(content) {
  return der(0x03, join(Uint8Array.of(0), content));
}

/** @param {number} time  milliseconds */
function moment(time) {
  const text = new Date(time).toISOString().replace(/[-:T]|\.\d+/g, ""); // 20260102030405Z
  return der(0x17, new TextEncoder().encode(text.slice(2)));
}

/** @param {number[]} numbers */
function oid([first, second, ...rest]) {
  const groups = rest.flatMap((value) => {
    const sevens = [value & 127];
    for (let left = value >> 7; left; left >>= 7) sevens.unshift(0x80 | (left & 127));
    return sevens;
  });
  return der(0x06, Uint8Array.of(40 * first + second, ...groups));
}

const ES256 = sequence(oid([1, 2, 840, 10045, 4, 3, 2])); // ECDSA with SHA-256
