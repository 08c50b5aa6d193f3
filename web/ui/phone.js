/** The way to a phone: a QR code of this page's address, and what it does and does not carry. */
import { say } from "../words.js";
import { byId } from "./common.js";

export function phonePanel() {
  const [button, panel] = [byId("phone"), byId("phone-panel")];
  button.addEventListener("click", async () => {
    panel.hidden = !panel.hidden;
    button.setAttribute("aria-expanded", String(!panel.hidden));
    if (!panel.hidden) await draw();
  });
}

async function draw() {
  const address = new URL("./", location.href).href; // no query, no fragment
  const own = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  byId("phone-words").textContent = own
    ? say("phoneLocal", { host: location.hostname })
    : say("phoneWords");
  const code = byId("phone-code");
  code.hidden = own;
  if (own) return;
  const { encodeQR } = await import("../vendor/qr.js");
  const rows = encodeQR(address, "raw");
  code.setAttribute("aria-label", say("phoneAlt", { address }));
  code.replaceChildren(drawn(rows));
}

/** @param {boolean[][]} rows  true where it is dark @returns {SVGElement} */
export function drawn(rows) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  const squares = rows.flatMap((row, y) =>
    row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")),
  );
  svg.setAttribute("viewBox", `0 0 ${rows.length} ${rows.length}`);
  svg.setAttribute("shape-rendering", "crispEdges");
  path.setAttribute("d", squares.join(""));
  svg.append(path);
  return svg;
}
