"""tests/golden is what Python answers today; `node --test` holds the page against it too."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.golden.make import HERE, build

FRESH = build()


@pytest.mark.parametrize("name", list(FRESH))
def test_golden_files_are_python_s(name):
    kept = json.loads((HERE / name).read_text())
    same(kept, json.loads(FRESH[name]))


def test_no_golden_file_is_left_over():
    assert {path.name for path in Path(HERE).glob("*.json")} == set(FRESH)


def same(kept, fresh):
    """Equal, numbers to six digits."""
    assert type(kept) is type(fresh)
    if isinstance(kept, dict):
        assert kept.keys() == fresh.keys()
        for key in kept:
            same(kept[key], fresh[key])
    elif isinstance(kept, list) and kept and isinstance(kept[0], int | float):
        np.testing.assert_allclose(kept, fresh, rtol=1e-5, atol=1e-5)
    elif isinstance(kept, list):
        assert len(kept) == len(fresh)
        for a, b in zip(kept, fresh, strict=True):
            same(a, b)
    else:
        assert kept == fresh or kept == pytest.approx(fresh)
