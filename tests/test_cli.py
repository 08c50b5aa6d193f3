"""`python -m demo` as a script uses it: files in, files out, one line and a code on failure."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from demo.__main__ import main
from demo.mark import mark
from demo.picture import read_picture, write_picture
from demo.provenance import verify


@pytest.fixture
def files(tmp_path, astronaut):
    wide = cv2.resize(astronaut[:400, ::-1], None, fx=1.15, fy=0.95)
    write_picture(tmp_path / "source.png", wide)
    write_picture(tmp_path / "target.png", astronaut)
    write_picture(tmp_path / "blank.png", np.full((300, 300, 3), 127, np.uint8))
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "empty.png").write_bytes(b"")
    tiny = cv2.resize(astronaut, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA)
    write_picture(tmp_path / "tiny.png", tiny)
    return tmp_path


def run(folder, *words):
    """Words that name a file are taken in the folder; returns the exit code."""
    return main([str(folder / w) if "." in w and not w.startswith("-") else w for w in words])


@pytest.mark.parametrize("engine", ["mesh", "idn"])
def test_swap_writes_a_marked_picture(files, capsys, engine):
    code = run(files, "swap", "source.png", "target.png", "-o", "out.png", "--engine", engine,
               "--json")  # fmt: skip
    assert code == 0
    told = json.loads(capsys.readouterr().out)
    assert told["faces"] >= 1 and told["swapped"] == 1 and told["milliseconds"] > 0
    verdict = verify(files / "out.png")
    assert verdict.valid and verdict.synthetic and verdict.marked
    out, target = (read_picture(files / n).astype(int) for n in ("out.png", "target.png"))
    difference = np.abs(out - target).mean(2)
    face = difference[70:170, 185:265]
    assert face.mean() > 4 and difference[300:].mean() < 2.5  # the mark is all that lies elsewhere


@pytest.mark.parametrize("engine", ["mesh", "idn"])
def test_far_from_the_face_the_mark_is_all_that_is_added(files, pack, astronaut, engine):
    assert run(files, "swap", "source.png", "target.png", "-o", "out.png", "--engine", engine) == 0
    x0, y0, x1, y1 = (int(v) for v in pack.faces(astronaut)[0].box)
    reach = max(x1 - x0, y1 - y0) // 2  # of the crop, and of what the mark looks at
    outside = np.ones(astronaut.shape[:2], bool)
    outside[max(0, y0 - reach) : y1 + reach, max(0, x0 - reach) : x1 + reach] = False
    out, unswapped = read_picture(files / "out.png"), mark(astronaut)
    np.testing.assert_array_equal(out[outside], unswapped[outside])
    assert np.abs(out.astype(int) - unswapped)[~outside].max() > 20


def test_strength_nothing_is_the_marked_target(files, astronaut):
    words = ("-o", "out.png", "--strength=0")
    assert run(files, "swap", "source.png", "target.png", *words) == 0
    np.testing.assert_array_equal(read_picture(files / "out.png"), mark(astronaut))


@pytest.mark.parametrize("strength", ["2", "-0.1", "nan", "much"])
def test_a_strength_that_is_none(files, capsys, strength):
    words = ("swap", "source.png", "target.png", "-o", "out.png", f"--strength={strength}")
    with pytest.raises(SystemExit) as end:
        run(files, *words)
    assert end.value.code == 2 and "strength" in capsys.readouterr().err


def test_an_identity_file_takes_a_pictures_place(files, capsys):
    assert run(files, "identity", "source.png", "-o", "someone.idn") == 0
    assert 44_000 < (files / "someone.idn").stat().st_size < 46_000
    assert run(files, "swap", "someone.idn", "target.png", "-o", "a.jpg") == 0  # idn by itself
    assert run(files, "swap", "someone.idn", "target.png", "-o", "b.jpg", "--engine", "mesh") == 2
    assert "needs a picture" in capsys.readouterr().err


def test_verify_tells(files, capsys):
    run(files, "swap", "source.png", "target.png", "-o", "out.jpg")
    capsys.readouterr()
    assert run(files, "verify", "out.jpg") == 0
    assert "Declared as synthetic" in capsys.readouterr().out
    assert run(files, "verify", "target.png") == 0
    assert "No signed manifest. No invisible mark." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "target", "code", "words"),
    [
        ("blank.png", "target.png", 3, "the source shows no face"),
        ("source.png", "blank.png", 3, "no face in the target"),
        ("tiny.png", "target.png", 4, "expected at least"),
        ("text.jpg", "target.png", 5, "text.jpg: not a picture"),
        ("source.png", "empty.png", 5, "empty.png: got 0 bytes"),
        ("missing.png", "target.png", 5, "missing.png: no such file"),
        ("text.idn", "target.png", 5, "not an identity"),
        ("gone.idn", "target.png", 5, "gone.idn: no such file"),
        ("source.png", "huge.png", 6, "41.0 megapixels"),
    ],
)
def test_failures_have_a_code_and_write_nothing(files, capsys, source, target, code, words):
    (files / "text.idn").write_text("not an identity")
    Image.new("1", (41_000, 1000)).save(files / "huge.png")
    before = sorted(files.iterdir())
    assert run(files, "swap", source, target, "-o", "out.jpg", "--engine", "idn") == code
    captured = capsys.readouterr()
    assert words in captured.err and captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1 and captured.out == ""
    assert sorted(files.iterdir()) == before


def test_an_input_is_never_overwritten(files, capsys):
    before = (files / "target.png").read_bytes()
    assert run(files, "swap", "source.png", "target.png", "-o", "target.png") == 2
    assert "would be lost" in capsys.readouterr().err
    assert (files / "target.png").read_bytes() == before


def test_wrong_names_are_found_before_any_work(files, capsys):
    assert run(files, "swap", "source.png", "target.png", "-o", "out.mp3") == 2
    assert "expected a name ending in" in capsys.readouterr().err
    assert run(files, "swap", "source.png", "target.png", "-o", "nowhere/out.png") == 2
    assert "no such folder" in capsys.readouterr().err
    words = ("swap", "source.png", "target.png", "-o", "out.png")
    assert run(files, *words, "--detector", "no_such_pack") == 7
    assert run(files, *words, "--device", "directml") == 2


def test_as_a_process_of_its_own(tmp_path):
    command = [sys.executable, "-m", "demo", "verify", str(tmp_path / "missing.jpg")]
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 5 and done.stdout == ""
    assert done.stderr.startswith("error: missing.jpg: no such file")
    assert "Traceback" not in done.stderr
