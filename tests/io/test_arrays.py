"""Array files: read as numpy wrote them; every kind of damage is one kind of error in plain words."""

from __future__ import annotations

import io

import numpy as np
import pytest

from genoseq.errors import InputError
from genoseq.io.arrays import read_arrays

NUMBERS = np.arange(60, dtype=np.int64).reshape(20, 3)


def saved(write, *arguments, **arrays) -> bytes:
    file = io.BytesIO()
    write(file, *arguments, **arrays)
    return file.getvalue()


def test_npz_and_npy_are_read():
    found = read_arrays(saved(np.savez, one=NUMBERS, two=np.array("text")), "a.npz")
    assert list(found) == ["one", "two"]
    np.testing.assert_array_equal(found["one"], NUMBERS)
    assert str(found["two"]) == "text"
    np.testing.assert_array_equal(read_arrays(saved(np.save, NUMBERS), "a.npy")[""], NUMBERS)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x" * 100,
        b"PK\x03\x04" + b"x" * 50,
        saved(np.save, NUMBERS)[:90],
        saved(np.savez, a=NUMBERS)[:-30],
    ],
    ids=["empty", "junk", "zip", "cut npy", "cut npz"],
)
def test_other_files_are_refused_in_plain_words(content):
    with pytest.raises(InputError, match=r"^x\.npz: not an intact file of numpy arrays \(\.npz or \.npy\)$"):
        read_arrays(content, "x.npz")


@pytest.mark.parametrize("write", [np.save, np.savez, np.savez_compressed])
def test_any_flipped_bit_is_read_or_refused(write):
    """The header of a .npy file is Python: a flipped bit in it can fail in the parser of Python itself."""
    rng = np.random.default_rng(1)
    whole = np.frombuffer(saved(write, NUMBERS), np.uint8)
    refused = 0
    for place in rng.choice(whole.size * 8, 1500, replace=whole.size * 8 < 1500):
        damaged = whole.copy()
        damaged[place // 8] ^= 1 << (place % 8)
        try:
            read_arrays(damaged.tobytes(), "x")
        except InputError:
            refused += 1
    assert refused > 100
