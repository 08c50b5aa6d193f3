"""What the documents say is so: commands exist, tables are the manifest's, no machine's path."""

import importlib.util
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from demo.__main__ import parse
from demo.manifest import load
from models import card, evaluate
from models.card import CARD, filled

ROOT = Path(__file__).resolve().parent.parent
DOCS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md")]
DOCS += [CARD, ROOT / "models" / "LOG.md"]
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^    (python .*)$", README, re.M)


@pytest.mark.parametrize("path", DOCS, ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_in_the_documents_exist(path):
    text = path.read_text()
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:^|`| )make (\w+)(?:`|$|  )", text, re.M)) <= targets
    for module in set(re.findall(r"python -m ([\w.]+)", text)) - {"pip", "venv", "http.server"}:
        assert importlib.util.find_spec(module), f"{path.name} names {module}"


@pytest.mark.parametrize("path", DOCS, ids=lambda p: str(p.relative_to(ROOT)))
def test_local_links_lead_somewhere(path):
    for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / link).exists(), f"{path.name} links to {link}"


@pytest.mark.parametrize("path", DOCS, ids=lambda p: str(p.relative_to(ROOT)))
def test_requirement_files_that_are_named_exist(path):
    for name in re.findall(r"pip install (?:-q )?-r ([\w./]+)", path.read_text()):
        assert (ROOT / name.rstrip(".`")).is_file()


def test_the_two_commands_come_first():
    first = re.findall(r"^    (\S.*?)(?:  +#.*)?$", README, re.M)
    assert first[:2] == ["make run", "make test"]
    assert "pip install -r requirements.txt" in first[:5] and "python app.py" in first[:5]


def test_ci_runs_the_test_command_of_the_readme():
    read = re.search(r"sed -n '(.*)' README.md", (ROOT / ".ci" / "run").read_text())[0]
    said = subprocess.run(
        ["bash", "-c", read], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["make", "test"]


@pytest.mark.parametrize("line", [line for line in COMMANDS if "-m demo" in line])
def test_the_command_line_takes_what_the_readme_says(line):
    parse(shlex.split(line.replace("[", "").replace("]", ""), comments=True)[3:])


def test_sizes_in_the_readme_are_the_packs():
    graphs = load().graphs
    (numbers,) = graphs["inject"].outputs["kernels"][1:]
    assert f"{sum(graph.bytes for graph in graphs.values()) / 1e6:.0f} MB in all" in README
    assert f"{numbers:,} numbers" in README and abs(numbers * 2 - 44_000) < 1000


def test_card_is_made_from_the_manifest():
    assert CARD.read_text() == filled(CARD.read_text(), load())


def test_old_figures_cannot_pass_for_new():
    manifest = load()
    report = {"weights": evaluate.sums(manifest)}
    assert card.dated(report, manifest) == "Measured on exactly these weights."
    report["weights"]["swap"] = "0" * 64
    assert card.dated(report, manifest) == "Measured on earlier weights of swap."


def test_a_card_without_figures_says_so_and_with_them_shows_them():
    assert card.figures(load(), {}) == "Not measured yet."
    row = dict.fromkeys(card.COLUMNS, 0.5)
    rows, weights = {"copy": row, "mesh": row}, evaluate.sums(load())
    grouped = {name: {"ytf": {"pairs": 3} | row} for name in rows}
    report = {"pairs": 9, "gallery": 1264, "rows": rows, "errors": rows, "groups": grouped}
    text = card.figures(load(), {"report": report | {"weights": weights}})
    assert "9 pairs" in text and "1,264" in text and "| ytf | 3 | 0.50 |" in text


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
    assert fields["license"] == "apache-2.0" and fields["suggested_hardware"] == "cpu-basic"
    assert fields["python_version"].strip('"') >= "3.11"


def test_the_space_runs_the_gradio_that_is_required():
    text = (ROOT / "requirements.txt").read_text()
    least, below = re.search(r"^gradio>=([\d.]+),<(\d+)", text, re.M).groups()
    version = re.search(r"^sdk_version: ([\d.]+)$", README, re.M)[1]
    assert version.startswith(least + ".") and int(version.split(".")[0]) < int(below)


def test_no_torch_where_the_app_runs():
    assert not re.search(r"^torch", (ROOT / "requirements.txt").read_text(), re.M)
    assert re.search(r"^torch==", (ROOT / "models" / "requirements.txt").read_text(), re.M)
