/**
 * `c2pa` puts a signed manifest into a JPEG or an MP4 that says: composite with trained algorithmic
 * media. The twin of `sign` in demo/provenance.py, which reads it.
 *
 * C2PA 2.1: boxes in boxes (JUMBF, ISO 19566-5) that hold CBOR: two assertions (what was done, and
 * the sum of the file's other bytes), the claim that names their sums, the claim's COSE signature.
 */
import { cbor, join, Tagged, whole } from "./cbor.js";
import { credentials } from "./certificate.js";

const SYNTHETIC =
  "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";
const GENERATOR = { name: "MobileFaceSwap", version: "0.1.0" };
const TAIL = Uint8Array.of(0, 0x11, 0, 0x10, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71); // of box types
const MANIFEST = Uint8Array.from("d8fec3d61b0e483c92975828877ec481".match(/../g) ?? [], (byte) =>
  parseInt(byte, 16),
); // the UUID of C2PA's box in an MP4
const ALGORITHM = 1; // COSE's header labels
const CHAIN = 33;
const ES256 = -7;

/**
 * @param {Uint8Array} file  a JPEG
 * @returns {Promise<Uint8Array>} the same with a manifest in it
 */
export async function signed(file) {
  const place = afterHeader(file);
  const hash = await sha256(file);
  const sum = (/** @type {number} */ length) => ({
    exclusions: [{ start: place, length }],
    alg: "sha256",
    hash,
    pad: new Uint8Array(0),
    name: "manifest",
  });
  const label = fresh();
  const draft = segment(await store(label, "c2pa.hash.data", sum(1000)));
  const final = segment(await store(label, "c2pa.hash.data", sum(draft.length)));
  return join(file.slice(0, place), final, file.slice(place));
}

/**
 * @param {Uint8Array} file  an MP4
 * @returns {Promise<Uint8Array>} the same with a manifest at its end, where no offset has to move
 */
export async function seal(file) {
  if (!crypto.subtle) return file; // a page without https has no keys
  const left = (/** @type {string} */ xpath, /** @type {any} */ data = null) => ({
    xpath,
    length: null,
    data,
    subset: null,
    version: null,
    flags: null,
    exact: null,
  });
  const exclusions = [
    left("/uuid", [{ offset: 8, value: MANIFEST }]),
    left("/ftyp"),
    left("/mfra"),
  ];
  const hash = await sha256(join(...boxesOf(file).flatMap(([at, box]) => [whole(at, 8), box])));
  const sum = { exclusions, alg: "sha256", hash, name: "manifest" };
  const manifest = await store(fresh(), "c2pa.hash.bmff.v3", sum);
  const purpose = join(new Uint8Array(4), ascii("manifest\0"), new Uint8Array(8));
  return join(file, box("uuid", join(MANIFEST, purpose, manifest)));
}

/**
 * An MP4's outermost boxes that the sum is of: where they lie, and their bytes.
 * @param {Uint8Array} file
 * @returns {Array<[number, Uint8Array]>}
 */
function boxesOf(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const found = /** @type {Array<[number, Uint8Array]>} */ ([]);
  for (let at = 0; at < file.length;) {
    const short = view.getUint32(at);
    const size = short === 1 ? Number(view.getBigUint64(at + 8)) : short || file.length - at;
    const type = new TextDecoder().decode(file.subarray(at + 4, at + 8));
    if (type !== "ftyp" && type !== "mfra") found.push([at, file.subarray(at, at + size)]);
    at += size;
  }
  return found;
}

function fresh() {
  return `urn:c2pa:${crypto.randomUUID()}`;
}

/**
 * The whole manifest store. Its length does not depend on the numbers in it.
 * @param {string} label
 * @param {string} kind  of the assertion that holds the sum of the file
 * @param {object} sum
 */
async function store(label, kind, sum) {
  const action = { action: "c2pa.created", digitalSourceType: SYNTHETIC };
  const assertions = { "c2pa.actions.v2": cbor({ actions: [action] }), [kind]: cbor(sum) };
  const boxes = Object.entries(assertions).map(([name, bytes]) => content(name, bytes));
  const named = await Promise.all(
    Object.keys(assertions).map(async (name, i) => ({
      url: `self#jumbf=c2pa.assertions/${name}`,
      hash: await sha256(boxes[i].slice(8)), // without the outer box's head
    })),
  );
  const claim = cbor({
    instanceID: `xmp:iid:${crypto.randomUUID()}`,
    claim_generator_info: GENERATOR,
    signature: `self#jumbf=/c2pa/${label}/c2pa.signature`,
    created_assertions: named,
    alg: "sha256",
  });
  const manifest = superbox(
    "c2ma",
    label,
    superbox("c2as", "c2pa.assertions", ...boxes),
    superbox("c2cl", "c2pa.claim.v2", box("cbor", claim)),
    superbox("c2cs", "c2pa.signature", box("cbor", await signature(claim))),
  );
  return superbox("c2pa", "c2pa", manifest);
}

/** COSE_Sign1 with the claim left out (RFC 9052, 4.2). @param {Uint8Array} claim */
async function signature(claim) {
  const { chain, sign } = await credentials();
  const header = cbor(
    new Map(
      /** @type {[number, any][]} */ ([
        [ALGORITHM, ES256],
        [CHAIN, chain],
      ]),
    ),
  );
  const proof = await sign(cbor(["Signature1", header, new Uint8Array(0), claim]));
  return cbor(new Tagged(18, [header, {}, null, proof]));
}

/** @param {string} name @param {Uint8Array} bytes */
function content(name, bytes) {
  return superbox("cbor", name, box("cbor", bytes));
}

/** A described box of boxes. @param {string} type @param {string} label @param {Uint8Array[]} boxes */
function superbox(type, label, ...boxes) {
  const requestable = 3; // and labelled
  const about = box(
    "jumd",
    join(ascii(type), TAIL, Uint8Array.of(requestable), ascii(`${label}\0`)),
  );
  return box("jumb", join(about, ...boxes));
}

/** @param {string} type  four letters @param {Uint8Array} bytes */
function box(type, bytes) {
  return join(whole(bytes.length + 8, 4), ascii(type), bytes);
}

/** A JPEG's APP11 segment. @param {Uint8Array} bytes  below 64 KB */
function segment(bytes) {
  const head = [ascii("JP"), whole(1, 2), whole(1, 4)]; // JPEG XT, instance 1, packet 1
  return join(Uint8Array.of(0xff, 0xeb), whole(bytes.length + 10, 2), ...head, bytes);
}

/** Where the file's first segment (JFIF) ends. @param {Uint8Array} file */
function afterHeader(file) {
  return file[3] === 0xe0 ? 4 + file[4] * 256 + file[5] : 2;
}

/** @param {string} text */
function ascii(text) {
  return new TextEncoder().encode(text);
}

/** @param {Uint8Array} bytes */
async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", /** @type {BufferSource} */ (bytes)));
}
