"""`python -m models.card` writes the table of the model card from the manifest.

The card (models/README.md) is prose around one generated table; a test compares the two.
"""

from __future__ import annotations

from pathlib import Path

from demo.manifest import Manifest, load

CARD = Path(__file__).resolve().parent / "README.md"
START, END = "<!-- table: python -m models.card -->", "<!-- end of table -->"


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


def filled(card: str, manifest: Manifest) -> str:
    """The card with its table made anew."""
    before, rest = card.split(START)
    after = rest.split(END)[1]
    return f"{before}{START}\n{table(manifest)}\n{END}{after}"


if __name__ == "__main__":
    CARD.write_text(filled(CARD.read_text(), load()))
