"""Compressed input: what stands behind it, what is cut, what is damaged; each told for what it is."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random

import pysam
import pytest

from genoseq.errors import InputError
from genoseq.io.files import open_input

TEXT = "".join(random.Random(1).choices("ACGT\n", k=400_000)).encode()


def bgzf(data):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "plain").write_bytes(data)
        pysam.tabix_compress(f"{folder}/plain", f"{folder}/packed", force=True)
        return (Path(folder) / "packed").read_bytes()


def read(path, size=1 << 16):
    parts, block = [], memoryview(bytearray(size))
    with open_input(path) as stream:
        while count := stream.readinto(block):
            parts.append(bytes(block[:count]))
    return b"".join(parts)


FORMS = {"gzip": gzip.compress, "bgzf": bgzf, "bzip2": bz2.compress, "xz": lzma.compress}


@pytest.fixture(params=FORMS)
def packed(request) -> bytes:
    return FORMS[request.param](TEXT)


@pytest.mark.parametrize("size", [777, 1 << 20])
def test_one_stream_or_several_with_padding(packed, tmp_path, size):
    path = tmp_path / "r"
    path.write_bytes(packed)
    assert read(path, size) == TEXT
    path.write_bytes(packed + bytes(9) + packed + bytes(4))
    assert read(path, size) == TEXT + TEXT


@pytest.mark.parametrize("rest", [b"\n", b"x", b"BZ", b"some text\n" * 20_000, bytes(20) + b"x"])
def test_what_follows_is_not_called_a_cut(packed, tmp_path, rest):
    if packed.startswith(rest):
        rest += b"?"
    path = tmp_path / "r"
    path.write_bytes(packed + rest)
    shown = repr(rest.lstrip(b"\0")[:8])
    with pytest.raises(InputError) as caught:
        read(path)
    expected = f"r: something else follows the compressed data ({shown}); cut it off, or copy the file again"
    assert str(caught.value).endswith(expected)


def test_a_cut_file_is_called_so(packed, tmp_path):
    path = tmp_path / "r"
    for keep in (len(packed) // 2, len(packed) - 3):
        path.write_bytes(packed[:keep])
        with pytest.raises(
            InputError, match=r"the compressed data ends early: the file is cut; copy it again$"
        ):
            read(path)
    path.write_bytes(packed + packed[: len(packed) // 2])
    with pytest.raises(InputError, match="ends early"):
        read(path)


def test_a_checksum_that_does_not_fit(tmp_path):
    packed = bytearray(gzip.compress(TEXT))
    packed[-6] ^= 1
    (tmp_path / "r").write_bytes(packed)
    with pytest.raises(InputError, match="the compressed data is damaged"):
        read(tmp_path / "r")
