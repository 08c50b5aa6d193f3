// Numbers stamped into frames, read back in the page: see camera.py.
// To read costs the browser a copy of the frame. Where the machine's own speed is measured (`light`),
// one in eight of the camera's frames is read, the others lie as many frames of it before or after,
// and one in three of those that return; all of these are counted.
(() => {
  const ROUND = 96, STEP = 1000 / 30; // frames of the camera's clip, milliseconds of one: `clip`
  const often = { willReadFrequently: true };
  const pen = new OffscreenCanvas(96, 32).getContext("2d", often);
  const brush = new OffscreenCanvas(24, 24).getContext("2d", often);
  const probe = window.probe = {
    sent: new Map(), last: null, seen: [], faces: [], unread: 0, frames: 0,
    keep: false, light: false,
  };
  function read(video) {
    const zoom = video.videoHeight / 480;
    pen.drawImage(video, 0, 0, 96 * zoom, 32 * zoom, 0, 0, 96, 32);
    const at = (i) => pen.getImageData((i % 6) * 16 + 8, Math.floor(i / 6) * 16 + 8, 1, 1).data[0];
    const [white, black] = [at(0), at(1)];
    if (white - black < 90) return null;
    let number = 0;
    for (let n = 0; n < 10; n++) number += (at(n + 2) > (white + black) / 2) << n;
    return number;
  }
  function watch(video, take) {
    let count = 0;
    const step = (now, data) => { take(now, data, count++); video.requestVideoFrameCallback(step); };
    video.requestVideoFrameCallback(step);
  }
  function sent(number) {
    if (!probe.light) return probe.sent.get(number);
    const [known, time] = probe.last;
    const away = (number - known + 1.5 * ROUND) % ROUND - ROUND / 2;
    return time + away * STEP;
  }
  probe.begin = () => {
    const own = document.getElementById("live-self"), out = document.getElementById("live-out");
    watch(own, (now, data, count) => {
      if (probe.light && count % 8) return;
      const number = read(own), time = data.captureTime ?? now;
      probe.sent.set(number, time);
      if (number !== null) probe.last = [number, time];
    });
    let before = 0;
    watch(out, (now, data, count) => {
      probe.frames += Math.max(data.presentedFrames - before, 1);
      before = data.presentedFrames;
      if (probe.light && count % 3) return;
      const number = read(out), late = data.expectedDisplayTime - sent(number);
      // The clip goes round: a number of the round before says nothing.
      if (number === null || !(late >= 0 && late < 2500)) { probe.unread++; return; }
      probe.seen.push([number, Math.round(late), Math.round(now)]);
      if (!probe.keep) return;
      const [w, h] = [out.videoWidth, out.videoHeight];
      brush.drawImage(out, w * 0.3, h * 0.05, h * 0.5, h * 0.5, 0, 0, 24, 24);
      probe.faces.push(Array.from(brush.getImageData(0, 0, 24, 24).data));
    });
  };
  probe.take = () => {
    const { seen, faces, unread, frames } = probe, out = { seen, faces, unread, frames };
    Object.assign(probe, { seen: [], faces: [], unread: 0, frames: 0 });
    return out;
  };
})();
