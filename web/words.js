/**
 * `words` holds every text of the page, in one place, ready to be translated. `{name}` is filled in.
 */
export const WORDS = {
  title: "MobileFaceSwap",
  tagline: "Put one face in the place of another, here on this device.",
  sent: "{bytes} bytes sent",
  sentWhy:
    "Everything runs on this device. The page may talk to no other site, and this counts what its service worker saw leave: nothing.",

  sourceTitle: "Whose face",
  sourceHint: "Choose, drop or paste a picture, or an identity file (.idn).",
  chooseSource: "Choose a picture",
  takeSource: "Use the camera",
  shutter: "Take the picture",
  cancel: "Cancel",
  consent: "I may use this face: it is mine, its owner agreed, or it is nobody's.",
  sourceReady: "This face is ready.",
  identityReady: "The identity in {name} is ready.",
  sourceAlt: "The face that will be put in",
  sourceWait: "Reading the face …",
  keep: "Save the identity (44 KB)",
  phone: "Open on a phone",
  phoneWords:
    "Scan to open this page on a phone. The code holds the page's address and nothing else. To take the face along, save the identity and send the file to yourself; choose it there.",
  phoneLocal:
    "This address ({host}) is this machine's own; a phone cannot reach it. Start the app with a host that the network sees, over https.",
  phoneAlt: "QR code of {address}",

  targetTitle: "Where it goes",
  tabPicture: "Picture",
  tabLive: "Camera",
  tabClip: "Clip",

  targetHint: "Choose, drop or paste the picture to change.",
  chooseTarget: "Choose a picture",
  targetWait: "Looking for faces …",
  targetNone: "No face found in this picture.",
  targetFound: "{count} found. Choose which to swap.",
  face: "Face {number}",
  strength: "Strength",
  swap: "Swap",
  swapWait: "Swapping …",
  swapDone: "{swapped} of {found} swapped in {spent} ms.",
  save: "Save, marked as synthetic",
  saved: "Saved. The file says that it is synthetic: signed metadata (C2PA) and an invisible mark.",
  savedBare: "Saved, with an invisible mark in its pixels. It is not signed: that needs https.",
  resultAlt: "The picture, with the face swapped",
  before: "Show the original",

  liveHint: "Your camera, swapped as it comes. Nothing is recorded.",
  startLive: "Start the camera",
  stopLive: "Stop",
  turnLive: "Other camera",
  mirror: "Mirror",
  liveWait: "Starting the camera …",
  liveStats: "{fps} frames a second, {latency} ms late, {faces}",
  liveNone: "no face",
  liveOne: "face found",
  liveAlt: "The live picture, with the face swapped",
  liveDenied:
    "The camera is not allowed for this page. Allow it in the browser's settings and try again.",
  liveMissing: "No camera found. Plug one in, or use a picture.",
  liveBusy: "The camera is used by another program. Close it and try again.",
  liveEnded: "The camera was unplugged or taken away.",
  liveHidden: "Stopped, because the page was hidden.",
  liveInsecure: "Browsers give a camera only to pages over https or on this machine itself.",

  clipHint: "Choose a clip. Its sound is kept.",
  chooseClip: "Choose a clip",
  clipStart: "Swap the clip",
  clipWait: "{percent} % done, {left} left",
  clipDone: "{frames} frames, {swapped} with a swapped face, in {spent} s. {sound}",
  clipSound: "The sound was kept.",
  clipSilent: "The clip has no sound.",
  clipLostSound: "Its sound could not be kept: {reason}.",
  clipSave: "Save the clip",
  clipAlt: "The swapped clip",

  loadStart: "Needed once: {size} MB of networks and runtime, kept on this device.",
  load: "Loading {got} of {of} MB",
  loadOpen: "Starting the networks …",
  ready: "Ready. Runs on {provider}.",
  lost: "The GPU was lost ({reason}); it goes on with WASM.",
  update: "A new version is here.",
  reload: "Reload",
  needSource: "First choose whose face to put in (1).",
  needConsent: "Please confirm first that you may use this face (1).",
  needClip: "First choose a clip.",
  needTarget: "First choose the picture to change.",

  footMarks: "Saved pictures and clips are marked as synthetic; the live picture carries a label.",
  footUse: "Not for deceiving, identifying, undressing or mocking anyone.",
  footLicence: "Code: Apache-2.0. Weights: research only.",
};

/**
 * A text with its blanks filled in.
 * @param {keyof typeof WORDS} key
 * @param {Record<string, string | number>} values
 */
export function say(key, values = {}) {
  return WORDS[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}
