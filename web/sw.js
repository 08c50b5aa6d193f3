/**
 * `sw` is the service worker. It keeps the page for flight mode, gives a host without headers the
 * ones that threads need, lets nothing out to another site, and counts what is sent.
 *
 * `python -m web.build` fills FILES in: path -> first digits of the file's sha256. A file is kept
 * under both, so a new version fetches only what has changed. Served unbuilt it keeps nothing.
 */
const FILES = /** @type {Record<string, string>} */ ({});
const LATER = /^(vendor|models)\//; // large: kept when first used, not before

const CACHE = "files";
const SCOPE = new URL("./", location.href);
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
    "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; " +
    "worker-src 'self' blob:; manifest-src 'self'; form-action 'none'; base-uri 'none'",
};
let sent = 0; // bytes of request bodies, since this worker began

addEventListener("install", (event) => {
  const first = Object.keys(FILES).filter((path) => !LATER.test(path));
  event.waitUntil(Promise.all(first.map(keep)));
});

addEventListener("activate", (event) => {
  event.waitUntil(tidy().then(() => clients.claim()));
});

addEventListener("message", ({ data }) => {
  if (data.ask === "activate") skipWaiting();
  if (data.ask === "sent") report();
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (!address.protocol.startsWith("http")) return;
  event.respondWith(allowed(request, address) ? answer(request, address) : refuse(request));
});

/** @param {Request} request @param {URL} address */
function allowed(request, address) {
  return request.method === "GET" && address.origin === location.origin;
}

/** Nothing leaves: what was tried is counted and shown. @param {Request} request */
async function refuse(request) {
  sent += (await request.arrayBuffer()).byteLength;
  report();
  return Response.error();
}

async function report() {
  for (const client of await clients.matchAll()) client.postMessage({ sent });
}

/** @param {Request} request @param {URL} address */
async function answer(request, address) {
  const path = pathOf(address);
  if (!(path in FILES)) return isolated(await fetch(request));
  return isolated((await kept(path)) ?? (await keep(path)));
}

/** @param {URL} address  of the page's own folder, or of anything else @returns {string} */
function pathOf({ pathname }) {
  const path = pathname.startsWith(SCOPE.pathname)
    ? pathname.slice(SCOPE.pathname.length)
    : pathname;
  return path || "index.html";
}

/** @param {string} path */
function named(path) {
  return new URL(`${path}?sha=${FILES[path]}`, SCOPE).href;
}

/** @param {string} path */
async function kept(path) {
  return (await caches.open(CACHE)).match(named(path));
}

/** Fetch a file past the browser's own cache and keep it. @param {string} path */
async function keep(path) {
  const cache = await caches.open(CACHE);
  const known = await cache.match(named(path));
  if (known) return known;
  const response = await fetch(new URL(path, SCOPE), { cache: "no-cache" });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  await cache.put(named(path), response.clone());
  return response;
}

/** Let go of what this version does not name. */
async function tidy() {
  const cache = await caches.open(CACHE);
  const wanted = new Set(Object.keys(FILES).map(named));
  const keys = await cache.keys();
  await Promise.all(keys.filter(({ url }) => !wanted.has(url)).map((key) => cache.delete(key)));
}

/** @param {Response} response */
function isolated(response) {
  if (response.type === "opaqueredirect" || response.status === 0) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}
