"""WebGPU, on a GPU in software, answers as Python does, and no node falls back to the processor.

Every graph runs once, as it is shipped and through the page's own sessions, on an input of its real
size, the detector on a small one. SwiftShader compiles each shader for seconds and is right.
"""

import base64
import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from playwright.sync_api import sync_playwright

from demo.sessions import blob, open_session
from tests.page.site import CHROMIUM, QUIET, served, until

SOFT = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
# Both compute in fp32; what differs is the order of sums of up to some thousand products, a few
# millionths of the largest number. Measured: 5e-8 to 7e-7.
CLOSE = 1e-5  # of the largest number in the answer
START = """async () => {
    const { start } = await import("./sessions.js");
    const { fetchBytes } = await import("./manifest.js");
    const { runtimeOf } = await import("./runtime.js");
    const { module, address } = runtimeOf("webgpu");
    await start("webgpu", 1, await fetchBytes(address, () => {}));
    (await import(module.href)).env.logLevel = "verbose"; // where nodes go is said there alone
}"""
RUN = """async ([graph, feeds, kernels, extra]) => {
    const { openSession } = await import("./sessions.js");
    const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const floats = (text) => new Float32Array(bytes(text).buffer);
    const more = { logSeverityLevel: 0, extra };
    const baked = kernels ? floats(kernels) : undefined;
    const session = await openSession(bytes(graph), "webgpu", baked, more);
    const inputs = Object.entries(feeds).map(([name, [data, dims]]) =>
        [name, { data: floats(data), dims }]);
    const answers = Object.entries(await session(Object.fromEntries(inputs)));
    await session.release();
    return Object.fromEntries(answers.map(([name, values]) => [name, Array.from(values)]));
}"""
ALONE = {"session": {"disable_cpu_ep_fallback": "1"}}


def sent(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture(scope="module")
def gpu(dist):
    """`gpu(graph, feeds, kernels, extra)` -> answers by name, and the runtime's log of the run."""
    with served(dist) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *SOFT])
        page, log = browser.new_page(), []
        page.on("console", lambda line: log.append(line.text))
        page.goto(address)
        until(page, "crossOriginIsolated && document.readyState == 'complete'")
        page.evaluate(START)

        def run(graph, feeds, kernels=None, extra=ALONE):
            log.clear()
            packed = {name: [sent(a.tobytes()), a.shape] for name, a in feeds.items()}
            baked = None if kernels is None else sent(kernels.tobytes())
            return page.evaluate(RUN, [sent(graph), packed, baked, extra]), log

        yield run
        browser.close()


@pytest.fixture(scope="module")
def cases(dist, astronaut):
    """Graph -> its file as the page gets it, inputs, kernels, and what Python answers to them."""
    graphs = json.loads((dist / "models" / "manifest.json").read_text())["graphs"]
    files = {name: dist / "models" / graph["file"] for name, graph in graphs.items()}
    crop = blob(astronaut[30:254, 110:334])
    found = {}

    def ask(name, kernels=None, **feeds):
        net = open_session(files[name], device="cpu", threads=1, kernels=kernels)
        found[name] = (files[name].read_bytes(), feeds, kernels, net(**feeds))
        return found[name][-1]

    ask("detect", image=np.ascontiguousarray(crop[:, :, 64:128, 64:160] * 2 - 1))
    ask("mesh", crop=crop)
    kernels = ask("inject", **ask("encode", crop=crop))["kernels"][0]
    ask("swap", kernels, crop=crop)
    return found


@pytest.mark.parametrize("name", ["detect", "mesh", "encode", "inject", "swap"])
def test_a_graph_is_python_s_on_webgpu_and_stays_there(gpu, cases, name):
    graph, feeds, kernels, expected = cases[name]
    answers, log = gpu(graph, feeds, kernels)
    assert list(answers) == list(expected)
    for key, known in expected.items():
        off = np.abs(np.float32(answers[key]).reshape(known.shape) - known).max()
        size = 1 if key.startswith("score") else np.abs(known).max()  # a score is a share of one
        assert off <= CLOSE * size, key
    assert any("All nodes placed on [WebGpuExecutionProvider]" in line for line in log)


def test_a_node_that_falls_back_would_be_seen(gpu):
    """The two guards above see it: one refuses to open the graph, the other names the node."""
    node = helper.make_node("Det", ["x"], ["y"], "determinant")
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [])
    body, opset = helper.make_graph([node], "one", [x], [y]), helper.make_opsetid("", 17)
    model = helper.make_model(body, opset_imports=[opset], ir_version=8)
    onnx.checker.check_model(model)
    graph, feeds = model.SerializeToString(), {"x": np.float32([[2, 1], [1, 3]])}
    answers, log = gpu(graph, feeds, extra={})
    assert np.allclose(answers["y"], 5)
    assert not any("[WebGpuExecutionProvider]" in line for line in log)
    assert any("placed on [CPUExecutionProvider]" in line for line in log)
    with pytest.raises(Exception, match="fallback to CPU EP has been explicitly disabled"):
        gpu(graph, feeds)
