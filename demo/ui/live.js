// The visitor's half of the Live tab: camera, connection, figures. It knows nothing of gradio; the
// tab calls `Live.start(key)`, `Live.stop()` and reads nothing back. Its elements carry ids live-*.
const Live = (() => {
  const PATIENCE = 8000; // milliseconds until a connection that does not come is given up
  const GATHER = 1500; // milliseconds for the browser to find its addresses
  const PULSE = 2000; // milliseconds from one sign of life to the next
  const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 24 } };
  const BITS = 2_500_000; // a second, at most, towards the server
  const REFUSED = {
    NotAllowedError: "The browser may not use the camera. Allow it by the address, then Start.",
    NotFoundError: "No camera was found. Plug one in, then press Start.",
    NotReadableError: "Another program holds the camera. Close it, then press Start.",
  };

  const SECURE =
    "A browser gives its camera to secure pages only: start with --https, or use 127.0.0.1.";
  const WALL = "No direct connection to the server came about: "
    + "a firewall or a network between lets no video through.";
  const BROKEN = "The connection to the server failed.";

  const at = (id) => document.getElementById(`live-${id}`);
  const say = (words) => { if (at("say")) at("say").textContent = words; };
  const post = (path, body) => fetch(`live/${path}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  }).then((answer) => answer.json());

  let now = null; // { key, pc, camera, channel, timers, told } of the running session, or null

  /** Open the camera and connect; every way to fail says why, within ten seconds. */
  async function start(key) {
    close();
    const session = now = { key, timers: [], told: null };
    at("instead").hidden = true;
    try {
      say("Asking for the camera…");
      await open(session);
      say("Connecting…");
      await connect(session);
    } catch (error) {
      if (session === now) fail(why(error));
    }
  }

  const why = (error) => REFUSED[error.name] ?? error.message ?? String(error);

  /** The session's camera; one that was asked for by a session that is over is shut again. */
  async function open(session, deviceId) {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error(SECURE);
    const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" };
    const camera = await navigator.mediaDevices.getUserMedia({ video: { ...WANTED, ...which } });
    if (session !== now) return shut(camera);
    session.camera = camera;
    camera.getVideoTracks()[0].addEventListener("ended", unplugged);
    at("self").srcObject = camera;
    await list(camera);
  }

  const shut = (camera) => camera?.getTracks().forEach((track) => track.stop());

  async function list(camera) {
    const devices = await navigator.mediaDevices.enumerateDevices();
    const used = camera.getVideoTracks()[0].getSettings().deviceId;
    at("camera").replaceChildren(...devices.filter((d) => d.kind === "videoinput").map(
      (d, i) => new Option(d.label || `Camera ${i + 1}`, d.deviceId, false, d.deviceId === used)));
    at("camera").onchange = () => change(at("camera").value).catch((error) => say(why(error)));
  }

  /** Another camera on the same connection. */
  async function change(deviceId) {
    const session = now;
    if (!session) return;
    shut(session.camera);
    await open(session, deviceId);
    await session.sender?.replaceTrack(session.camera.getVideoTracks()[0]);
    say("");
  }

  function unplugged() {
    if (now) say("The camera is gone. Plug it in again, or choose another one.");
  }

  /** Something was plugged in: take it if there is nothing else. */
  function plugged() {
    const ended = now?.camera?.getVideoTracks()[0].readyState === "ended";
    if (ended) change().catch(unplugged);
  }

  async function connect(session) {
    const pc = session.pc = new RTCPeerConnection(await post("servers", { key: session.key }));
    session.channel = pc.createDataChannel("text");
    session.channel.onmessage = (event) => hear(session, JSON.parse(event.data));
    session.sender = pc.addTrack(session.camera.getVideoTracks()[0], session.camera);
    const connected = new Promise((resolve, reject) => {
      pc.ontrack = ({ receiver, track }) => {
        receiver.jitterBufferTarget = 0;
        at("out").srcObject = new MediaStream([track]);
        watch(session, at("out"));
      };
      pc.onconnectionstatechange = () => {
        if (pc.connectionState === "connected") resolve();
        if (pc.connectionState === "failed") reject(new Error(BROKEN));
      };
    });
    connected.catch(() => {});
    await pc.setLocalDescription(await pc.createOffer());
    await gathered(pc);
    const { sdp, type } = pc.localDescription;
    const answer = await post("offer", { key: session.key, sdp, type });
    if (session !== now) return pc.close();
    if (answer.refused) throw new Error(answer.refused);
    await pc.setRemoteDescription(answer);
    await tune(session.sender).catch(() => {}); // a browser that will not be told still works
    await Promise.race([connected, late()]);
    if (session === now) running(session);
  }

  /** How long pictures take from the network to the screen, where the browser tells. */
  function watch(session, video) {
    video.requestVideoFrameCallback?.((time, picture) => {
      if (session !== now) return;
      const took = picture.expectedDisplayTime - picture.receiveTime;
      if (took > 0) session.took = 0.9 * (session.took ?? took) + 0.1 * took;
      watch(session, video);
    });
  }

  const gathered = (pc) => new Promise((resolve) => {
    setTimeout(resolve, GATHER);
    pc.onicegatheringstatechange = () => pc.iceGatheringState === "complete" && resolve();
  });

  const late = () => new Promise((_, reject) => {
    setTimeout(() => reject(new Error(WALL)), PATIENCE);
  });

  async function tune(sender) {
    const wanted = sender.getParameters();
    wanted.degradationPreference = "maintain-resolution";
    for (const encoding of wanted.encodings) encoding.maxBitrate = BITS;
    await sender.setParameters(wanted);
  }

  function running(session) {
    say("");
    const pc = session.pc;
    pc.onconnectionstatechange = () => {
      if (session === now && pc.connectionState === "failed") again(session);
    };
    session.timers.push(setInterval(() => {
      if (session.channel.readyState === "open") session.channel.send("here");
    }, PULSE));
    session.timers.push(setInterval(() => show(session), 1000));
  }

  /** A lost connection is made once more, with the place still kept. */
  function again(session) {
    say("The connection broke off; connecting again…");
    session.timers.splice(0).forEach(clearInterval);
    session.pc.close();
    connect(session).catch((error) => session === now && fail(error.message));
  }

  function hear(session, { type, data }) {
    if (session !== now) return;
    if (type === "status") session.told = data;
    if (type === "end_stream") fail(data);
  }

  /** Over, and why; what else there is stands one click away. */
  function fail(reason) {
    stop();
    say(reason);
    at("instead").hidden = false;
  }

  function stop() {
    const words = now && JSON.stringify({ key: now.key });
    if (words) navigator.sendBeacon("live/bye", new Blob([words], { type: "application/json" }));
    close();
    say("Stopped. Press Start to go on.");
  }

  function close() {
    now?.timers.forEach(clearInterval);
    now?.pc?.close();
    shut(now?.camera);
    now = null;
    for (const id of ["out", "self"]) if (at(id)) at(id).srcObject = null;
    for (const id of ["figures", "advice"]) if (at(id)) at(id).textContent = "";
  }

  async function show(session) {
    const told = session.told;
    if (!told || session !== now) return;
    const late = await latency(session);
    at("figures").textContent = [
      `${told.fps.toFixed(0)} FPS`,
      late === null ? "" : `about ${late.toFixed(0)} ms from camera to screen`,
      told.work === null ? "" : `${told.work.toFixed(0)} ms of it ${told.engine}`,
      told.provider,
    ].filter(Boolean).join(" · ");
    at("advice").textContent = told.words.join(" ");
  }

  /** Camera to screen in milliseconds, added up: encoding here, the way there and back, the server,
   *  and from the network to the screen here; half a picture of the screen where it tells less. */
  async function latency(session) {
    const was = session.stats ?? {}, is = {};
    (await session.pc.getStats()).forEach((s) => {
      if (s.type === "outbound-rtp") is.encode = [s.totalEncodeTime, s.framesEncoded];
      if (s.type === "inbound-rtp") is.process = [s.totalProcessingDelay, s.framesDecoded];
      if (s.type === "candidate-pair" && s.nominated) is.trip = s.currentRoundTripTime;
    });
    session.stats = is;
    const mean = (name) => {
      const [time, count] = [0, 1].map((i) => (is[name]?.[i] ?? 0) - (was[name]?.[i] ?? 0));
      return count > 0 ? 1000 * time / count : 0;
    };
    if (!was.process || !session.told.held) return null;
    const shown = session.took ?? mean("process") + 8;
    return mean("encode") + 1000 * (is.trip ?? 0) + session.told.held + shown;
  }

  window.addEventListener("pagehide", stop);
  navigator.mediaDevices?.addEventListener("devicechange", plugged);
  return { start, stop };
})();
window.Live = Live;
