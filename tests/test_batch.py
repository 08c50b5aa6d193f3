"""Clips and folders on the command line: files in, files out, one line and a code on failure."""

import json

import clips
import numpy as np
import pytest

from demo.__main__ import main
from demo.media import probe
from demo.picture import write_picture
from demo.provenance import verify


@pytest.fixture
def folder(tmp_path, astronaut):
    write_picture(tmp_path / "source.png", np.ascontiguousarray(astronaut[:400, ::-1]))
    many = tmp_path / "many"
    many.mkdir()
    clips.write(many / "one.mov", clips.moving(astronaut, 8), sounds=["aac"])
    write_picture(many / "two.png", astronaut)
    (many / "three.mp4").write_text("no clip")
    (many / "notes.txt").write_text("neither")
    return tmp_path


def test_a_clip(folder, capsys):
    words = ["swap", str(folder / "source.png"), str(folder / "many" / "one.mov")]
    assert main([*words, "-o", str(folder / "out.mp4"), "--json", "--finish", "none"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["frames"], told["swapped"], told["people"]) == (8, 8, 1)
    assert verify(folder / "out.mp4").synthetic and probe(folder / "out.mp4").sound == ("aac",)
    assert main([*words, "-o", str(folder / "out.avi")]) == 2
    assert "expected a name ending in .mp4, .webm" in capsys.readouterr().err
    assert main([*words, "-o", str(folder / "o.mp4"), "--face", f"4={folder / 'source.png'}"]) == 2
    assert "no person 4" in capsys.readouterr().err
    assert not (folder / "o.mp4").exists() and not (folder / "o.mp4.part").exists()


def test_a_folder_goes_on_after_a_failure_and_does_nothing_twice(folder, capsys):
    words = ["swap", str(folder / "source.png"), str(folder / "many"), "-o", str(folder / "out")]
    assert main(words) == 5
    told = capsys.readouterr()
    assert "three.mp4: no video clip" in told.err and "1 of 3 could not be swapped" in told.err
    done = {path.name for path in (folder / "out").iterdir()}
    assert done == {"one.mov.mp4", "two.png"}
    assert all(verify(path).synthetic for path in (folder / "out").iterdir())
    assert main(words) == 5
    assert capsys.readouterr().out.count("there already") == 2


@pytest.mark.parametrize("words", [["--face", "2"], ["--face", "x=a.jpg"], ["--finish", "gloss"]])
def test_arguments_that_are_none(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(["swap", "a.png", "b.mp4", "-o", "c.mp4", *words])
    assert end.value.code == 2 and words[0] in capsys.readouterr().err


def test_a_folder_is_never_its_own_output(folder, capsys):
    many = str(folder / "many")
    assert main(["swap", str(folder / "source.png"), many, "-o", many]) == 2
    assert "would be lost" in capsys.readouterr().err
