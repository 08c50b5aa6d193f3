"""Identity files: what is written is read back, and nothing else passes for one."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from demo.errors import UnreadableError
from demo.inject import read_identity, write_identity
from demo.manifest import load

KERNELS = np.random.default_rng(0).normal(0, 0.3, 22_291).astype(np.float32)


def test_round_trip_is_half_precision_and_44_kilobytes(tmp_path):
    path = tmp_path / "someone.idn"
    write_identity(path, KERNELS, load())
    assert 44_000 < path.stat().st_size < 46_000
    np.testing.assert_array_equal(
        read_identity(path, load()), KERNELS.astype(np.float16).astype(np.float32)
    )


@pytest.mark.parametrize("data", [b"", b"\x00" * 100, b"\xff\xd8\xff\xe0 a picture", b"{}" * 50])
def test_other_files_are_refused_by_name(tmp_path, data):
    path = tmp_path / "someone.idn"
    path.write_bytes(data)
    with pytest.raises(UnreadableError, match=r"someone.idn: not an identity"):
        read_identity(path, load())


def test_truncated_file(tmp_path):
    path = tmp_path / "someone.idn"
    write_identity(path, KERNELS, load())
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(UnreadableError):
        read_identity(path, load())


def test_wrong_count_other_weights_and_nonsense_numbers(tmp_path):
    path, stamp = tmp_path / "someone.idn", {"graph": load().graphs["swap"].sha256[:16]}
    save_file({"kernels": KERNELS[:-1]}, path, stamp)
    with pytest.raises(UnreadableError, match="expected"):
        read_identity(path, load())
    save_file({"kernels": KERNELS * np.nan}, path, stamp)
    with pytest.raises(UnreadableError):
        read_identity(path, load())
    save_file({"kernels": KERNELS}, path, {"graph": "0" * 16})
    with pytest.raises(UnreadableError, match="other weights"):
        read_identity(path, load())
