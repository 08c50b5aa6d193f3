"""`python -m models.card` fills the model card: the table of graphs, and what they reach.

The card (models/README.md) is prose around two generated blocks; a test compares them with the
manifest and models/figures.json. `--take FOLDER` first takes new figures from a run of
`models.evaluate`. Each block says which weights it speaks of, so old figures cannot pass for new.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from demo.manifest import Manifest, load
from models.judge import COLUMNS, LIKE

ROOT = Path(__file__).resolve().parent
CARD, FIGURES = ROOT / "README.md", ROOT / "figures.json"
GROUPED = ("cos_source", "retrieval", "pose_deg", "sharpness")  # columns shown by group
NETWORKS = {
    "mesh_error_pct": ("mesh", "468 points off its teacher's, % of the eye distance"),
    "mesh_inner_pct": ("mesh", "the same in the inner face"),
    "detect_recall_pct": ("detect", "recall at 320 px, %"),
    "detect_points_pct": ("detect", "five points off, % of the eye distance"),
    "encode_auc": ("encode", "AUC, same or another person on two video frames"),
}


def table(manifest: Manifest) -> str:
    """Markdown: a row for each graph."""
    rows = ["| graph | file | size | parameters | MMACs | precision | trained on |",
            "|---|---|---|---|---|---|---|"]  # fmt: skip
    for graph in manifest.graphs.values():
        size = f"{graph.bytes / 1e6:.2f} MB"
        rows.append(
            f"| {graph.name} | `{graph.path.name}` | {size} | {graph.params:,} "
            f"| {graph.macs / 1e6:.1f} | {graph.precision} | {graph.trained_on} |"
        )
    total = sum(graph.bytes for graph in manifest.graphs.values())
    rows.append(f"| all | | {total / 1e6:.2f} MB | | | | |")
    return "\n".join(rows)


def figures(manifest: Manifest, kept: dict) -> str:
    """Markdown: both engines beside the untouched target, by group, and the networks alone."""
    parts = []
    if swaps := kept.get("report"):
        parts += [protocol(swaps), dated(swaps, manifest), methods(swaps), groups(swaps)]
    if alone := kept.get("networks"):
        parts += ["The networks alone, on all held-out pictures:", dated(alone, manifest)]
        parts += [networks(alone)]
    return "\n\n".join(parts) or "Not measured yet."


def protocol(report: dict) -> str:
    return (
        f"{report['pairs']} pairs of different held-out people whose noses point alike (yaw within "
        f"{LIKE}), the nine ways between official portraits, generated faces and video frames in "
        "equal shares; whole pictures through `FaceSwapper`; judged by mfn_y1. Retrieval is among "
        f"all {report['gallery']:,} held-out pictures, the source's and the target's own too. "
        "Pose and expression are read by mp_face_landmarks_478, which also taught our mesh network."
    )


def dated(report: dict, manifest: Manifest) -> str:
    """Whether the figures are those of the weights beside them."""
    old = [n for n, graph in manifest.graphs.items() if report["weights"].get(n) != graph.sha256]
    if not old:
        return "Measured on exactly these weights."
    return f"Measured on earlier weights of {', '.join(old)}."


def methods(report: dict) -> str:
    """A row for each measure, with its standard error; a column for each method."""
    names = list(report["rows"])
    rows = [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for key, words in COLUMNS.items():
        cells = [f"{report['rows'][n][key]:.3f} ± {report['errors'][n][key]:.3f}" for n in names]
        rows.append(f"| {words} | {' | '.join(cells)} |")
    return "\n".join(rows)


def groups(report: dict) -> str:
    """By the target's set, yaw and apparent skin tone; every method but the untouched target."""
    names = [name for name in report["groups"] if name != "copy"]
    heads = [f"{name}: {COLUMNS[key]}" for name in names for key in GROUPED]
    rows = [f"| targets | pairs | {' | '.join(heads)} |", "|---" * (len(heads) + 2) + "|"]
    for group, first in report["groups"][names[0]].items():
        cells = [f"{report['groups'][n][group][k]:.2f}" for n in names for k in GROUPED]
        rows.append(f"| {group} | {first['pairs']} | {' | '.join(cells)} |")
    return "\n".join(rows)


def networks(report: dict) -> str:
    rows = [f"| {name} | {words} | {report[key]:.3f} |" for key, (name, words) in NETWORKS.items()]
    return "\n".join(["| network | | |", "|---|---|---|", *rows])


def between(card: str, name: str, text: str) -> str:
    """The card with one generated block made anew."""
    start, end = f"<!-- {name}: python -m models.card -->", f"<!-- end of {name} -->"
    before, rest = card.split(start)
    return f"{before}{start}\n{text}\n{end}{rest.split(end)[1]}"


def filled(card: str, manifest: Manifest) -> str:
    """The card with both blocks made anew."""
    kept = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    return between(between(card, "table", table(manifest)), "figures", figures(manifest, kept))


def take(folder: Path) -> None:
    """Keep report.json and networks.json of a run, whichever are there."""
    kept = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    found = {n: folder / f"{n}.json" for n in ("report", "networks")}
    fresh = {n: json.loads(path.read_text()) for n, path in found.items() if path.exists()}
    if not fresh:
        raise SystemExit(f"{folder}: neither report.json nor networks.json; run models.evaluate")
    FIGURES.write_text(json.dumps(rounded(kept | fresh), indent=1) + "\n")


def rounded(value):
    """Five digits are more than two hundred pairs can tell."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--take", type=Path, metavar="FOLDER", help="a run of models.evaluate")
    options = parser.parse_args(argv)
    if options.take:
        take(options.take)
    CARD.write_text(filled(CARD.read_text(), load()))


if __name__ == "__main__":
    main()
