"""WebGPU, on a GPU in software, answers as WASM does and never falls back to the processor."""

from playwright.sync_api import sync_playwright

from tests.page.site import CHROMIUM, QUIET, served, until

SOFT = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
COMPARE = """async ([name, input, dims]) => {
    const sessions = await import("./sessions.js");
    const manifest = await import("./manifest.js");
    const { runtimeOf } = await import("./runtime.js");
    const folder = new URL("./models/", location);
    const { graphs } = await manifest.load(folder);
    const graph = await manifest.fetchGraph(folder, graphs[name], () => {});
    const runtime = await manifest.fetchBytes(runtimeOf("webgpu").address, () => {});
    await sessions.start("webgpu", 1, runtime);
    const size = dims.reduce((a, b) => a * b);
    const data = Float32Array.from({ length: size }, (_, i) => 0.5 + Math.sin(i * 0.37) / 2);
    const known = await (await sessions.openSession(graph, "wasm"))({ [input]: { data, dims } });
    const session = await sessions.openSession(graph, "webgpu", undefined, true);
    const tried = await session({ [input]: { data, dims } });
    return Object.keys(known).map((key) => Math.max(
        ...Array.from(known[key], (value, i) => Math.abs(value - tried[key][i]))));
}"""


def test_the_detector_is_right_on_webgpu(dist):
    with served(dist) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *SOFT])
        page = browser.new_page()
        page.goto(address)
        until(page, "crossOriginIsolated && document.readyState == 'complete'")
        off = page.evaluate(COMPARE, ["detect", "image", [1, 3, 32, 32]])
        browser.close()
    assert len(off) == 9 and max(off) < 1e-3  # scores; distances in strides
