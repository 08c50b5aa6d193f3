"""What carries the page: offline, updates, damaged files, keyboards and screen readers."""

import json
import shutil
from itertools import product
from pathlib import Path

import pytest

from tests.page.site import SIZES, served, swapped, text, until

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"


def test_second_visit_without_network(browser, dist, files):
    context = browser.new_context()
    with served(dist / "deep") as address:
        first = context.new_page()
        first.goto(address + "page/")
        until(first, "crossOriginIsolated && document.readyState == 'complete'")
        before = swapped(first, files["source"], files["target"])
        first.close()
    again = context.new_page()  # the server is gone
    again.goto(address + "page/")
    until(again, "crossOriginIsolated && document.readyState == 'complete'")
    assert (swapped(again, files["source"], files["target"]) == before).all()
    context.close()


def test_a_damaged_network_is_refused_by_name(visit, dist, files, tmp_path):
    shutil.copytree(dist / "deep" / "page", tmp_path / "page")
    (graph,) = (tmp_path / "page" / "models" / "weights").glob("mesh.*.onnx")
    data = bytearray(graph.read_bytes())
    data[len(data) // 2] ^= 1
    graph.write_bytes(data)
    with served(tmp_path / "page") as address:
        page = visit(address)
        page.set_input_files("#source-file", files["source"])
        text(page, "load-state", "altered or cut short")


def test_a_new_version_is_offered_and_taken(visit, dist, tmp_path):
    site = tmp_path / "page"
    shutil.copytree(dist / "deep" / "page", site)
    with served(site) as address:
        page = visit(address)
        words = (site / "words.js").read_text().replace("Whose face", "Whose head")
        (site / "words.js").write_text(words)
        script = (site / "sw.js").read_text()
        old = json.loads(script.split("const FILES = ")[1].split(";")[0])["words.js"]
        (site / "sw.js").write_text(script.replace(old, "0" * 16))
        page.reload()
        until(page, "document.getElementById('update').hidden === false")
        assert page.inner_text("#source-title").endswith("Whose face")
        page.click("#reload")
        until(page, "document.getElementById('source-title').textContent.includes('head')")


@pytest.mark.parametrize("size", list(SIZES))
def test_no_serious_fault_for_those_who_cannot_see_or_point(visit, host, files, size):
    page = visit(host, size)
    swapped(page, files["source"], files["target"])
    for tab, scheme in product(("live", "clip", "picture"), ("light", "dark")):
        page.emulate_media(color_scheme=scheme)
        page.click(f"#tab-{tab}")
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run()")
        bad = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
        assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in bad] == []
        assert len(found["passes"]) > 15


def test_tabs_by_keyboard(visit, host):
    page = visit(host)
    page.focus("#tab-picture")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-live"
    assert page.is_visible("#panel-live") and not page.is_visible("#panel-picture")


def test_nothing_can_be_sent_and_what_was_tried_is_counted(visit, host):
    page = visit(host)
    assert page.inner_text("#sent") == "0 bytes sent"
    send = "fetch('words.js', {method: 'POST', body: '12345'}).catch(String)"
    assert "Failed to fetch" in page.evaluate(send)
    text(page, "sent", "5 bytes sent")
    assert "Failed to fetch" in page.evaluate("fetch('https://example.org/').catch(String)")
