/**
 * `main` puts the page together: texts, tabs, the engine once somebody wants it, and what the
 * service worker tells. Everything else is in ui/.
 */
import { Engine } from "./engine.js";
import { clipPanel } from "./ui/clip.js";
import { byId, onDrop, onPaste, tabs, write } from "./ui/common.js";
import { livePanel } from "./ui/live.js";
import { picturePanel } from "./ui/picture.js";
import { sourcePanel } from "./ui/source.js";
import { statusBar } from "./ui/status.js";

write(document);
const engine = new Engine(new URL("./models/", import.meta.url));
statusBar(engine);
const source = sourcePanel(engine);
const panels = {
  picture: picturePanel(engine, source),
  live: livePanel(engine, source),
  clip: clipPanel(engine, source),
};
const tab = tabs(byId("target"), (name) => {
  if (name !== "live") panels.live.stop();
});
onDrop(byId("source-drop"), source.take);
onDrop(byId("picture-drop"), panels.picture.take);
onDrop(byId("clip-drop"), panels.clip.take);
onPaste((file) => {
  const wanted = source.ready() && tab() === "picture" ? panels.picture : source;
  wanted.take(file);
});
