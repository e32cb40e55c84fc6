"""2bit files: both byte orders and versions, runs of N, and damage."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from genoseq.errors import InputError
from genoseq.io.twobit import is_twobit, read_twobit
from genoseq.sequence import decode


def twobit(sequences, order="<", version=0):
    """A file as the specification says, made letter by letter."""
    records, index = [], b""
    wide = "Q" if version else "I"
    place = 16 + sum(1 + len(name) + struct.calcsize(order + wide) for name in sequences)
    for name, text in sequences.items():
        runs, start = [], None
        for i, letter in enumerate(text + "A"):
            if letter in "Nn" and start is None:
                start = i
            elif letter not in "Nn" and start is not None:
                runs.append((start, i - start))
                start = None
        bits = "".join({"T": "00", "C": "01", "A": "10", "G": "11", "N": "00"}[c] for c in text.upper())
        bits += "0" * (-len(bits) % 8)
        packed = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        numbers = [len(text), len(runs), *(s for s, _ in runs), *(n for _, n in runs), 1, 0, 2, 0]
        record = struct.pack(f"{order}{len(numbers)}I", *numbers) + packed
        index += bytes([len(name)]) + name.encode() + struct.pack(order + wide, place)
        place += len(record)
        records.append(record)
    return struct.pack(f"{order}4I", 0x1A412743, version, len(sequences), 0) + index + b"".join(records)


SEQUENCES = {"chr1": "ACGTTGCANNNNACGTA", "chr2": "n", "c3": "TTTTTTTT", "empty": ""}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [0, 1])
def test_sequences_come_back(tmp_path, order, version):
    path = tmp_path / "x.2bit"
    path.write_bytes(twobit(SEQUENCES, order, version))
    assert is_twobit(path)
    found = {name: decode(codes) for name, codes in read_twobit(path)}
    assert found == {name: text.upper() for name, text in SEQUENCES.items()}


def test_a_long_sequence(tmp_path):
    text = decode(np.random.default_rng(1).integers(0, 5, 10_001).astype(np.uint8))
    path = tmp_path / "x.2bit"
    path.write_bytes(twobit({"one": text}))
    assert [decode(codes) for _, codes in read_twobit(path)] == [text]


def test_damage_is_named(tmp_path):
    path = tmp_path / "x.2bit"
    whole = twobit(SEQUENCES)
    for size in (4, 20, 40, 60, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"x\.2bit"):
            list(read_twobit(path))
    path.write_bytes(b"")
    with pytest.raises(InputError, match="empty"):
        list(read_twobit(path))
    path.write_bytes(b">chr1\nACGTACGTACGTACGT\n")
    assert not is_twobit(path)
    with pytest.raises(InputError, match="not a 2bit file"):
        list(read_twobit(path))
    with pytest.raises(InputError, match="no such file"):
        list(read_twobit(tmp_path / "none.2bit"))
    assert not is_twobit(tmp_path / "none.2bit")
