"""What the documents say is so: commands exist, tables are the manifest's, no machine's path."""

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

from demo.manifest import load
from models.card import CARD, filled

ROOT = Path(__file__).resolve().parent.parent
DOCS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md")]
DOCS += [CARD, ROOT / "models" / "LOG.md"]


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.name)
def test_commands_in_the_documents_exist(path):
    text = path.read_text()
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:^|`| )make (\w+)(?:`|$|  )", text, re.M)) <= targets
    for module in set(re.findall(r"python -m ([\w.]+)", text)) - {"pip", "venv", "http.server"}:
        assert importlib.util.find_spec(module), f"{path.name} names {module}"


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.name)
def test_local_links_lead_somewhere(path):
    for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / link).exists(), f"{path.name} links to {link}"


def test_card_is_made_from_the_manifest():
    assert CARD.read_text() == filled(CARD.read_text(), load())


def test_no_path_of_a_machine_in_the_tree():
    pattern = "|".join(("/ro" + "ot/", "/wo" + "rk/", "/ho" + "me/[a-z]"))
    found = subprocess.run(
        ["git", "grep", "-nIE", pattern, "--", ":!LICENSE"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert found.stdout == ""


def test_readme_starts_with_a_spaces_front_matter():
    text = (ROOT / "README.md").read_text()
    fields = dict(line.split(": ", 1) for line in text.split("---")[1].strip().splitlines())
    assert fields["sdk"] == "gradio" and fields["app_file"] == "app.py"
    assert (ROOT / fields["app_file"]).exists()
    assert len(fields["short_description"]) <= 60
