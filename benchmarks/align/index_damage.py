"""Ways to damage an index folder, given as its files by name.

`sealed` damage comes with fitting sizes and checksums, so that what reads the parts has to cope with them.
"""

from __future__ import annotations

import io
import json
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from damage import INTEGERS, anywhere

from genoseq.index.manifest import MANIFEST, checksum

Files = dict[str, bytes]

VALUES = (
    None, True, False, "", "x", "chr1", "a\tb", "a\nb", "../../x", "\x1b[31m", "x" * 5000, 0, -1, 1, 2, 3,
    1.5, 1 << 31, 1 << 63, 1 << 70, -(1 << 63), 1e308, [], {}, [[]], [1], ["AC"], {"a": 1},
)  # fmt: skip


def raw(rng: random.Random, files: Files) -> Files:
    """Bytes of one part, or a part that is lost, empty, or another one."""
    name = rng.choice(sorted(files))
    other = rng.choice(sorted(files))
    change = rng.randrange(10)
    if change == 0:
        return {key: value for key, value in files.items() if key != name}
    return {
        **files,
        name: b"" if change == 1 else files[other] if change == 2 else anywhere(rng, files[name]),
    }


def manifest(rng: random.Random, files: Files) -> Files:
    """One to three entries of the manifest, with a checksum that fits."""
    entries = json.loads(files[MANIFEST])
    for _ in range(rng.choice((1, 1, 2, 3))):
        _edit(rng, entries)
    return {**files, MANIFEST: _sealed(entries)}


def _edit(rng: random.Random, node: Any) -> None:
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = rng.choice(keys) if keys else None
        inner = node[key] if keys else None
        if not isinstance(inner, dict | list) or not inner or rng.random() < 0.2:
            break
        node = inner
    change = rng.random()
    if key is None:
        return
    if change < 0.15:
        del node[key]
    elif change < 0.25 and isinstance(node, list):
        node.append(inner)
    elif change < 0.25:
        node[rng.choice(("more", "words", "length", "bytes"))] = rng.choice(VALUES)
    elif change < 0.35 and type(inner) is int:
        node[key] = inner + rng.choice((-1, 1, 64, -64))
    else:
        node[key] = rng.choice(VALUES)


def parts(rng: random.Random, files: Files) -> Files:
    """One part, by its own structure or by any bytes; sizes and checksums fit."""
    name = rng.choice([name for name in sorted(files) if name != MANIFEST])
    content = files[name]
    ways: dict[str, Callable[[random.Random, bytes], bytes]] = {
        "tree.npz": _arrays,
        "exceptions.npy": _arrays,
    }
    if rng.random() < 0.6:
        content = ways.get(name, _integers)(rng, content)
    else:
        content = anywhere(rng, content)
    entries = json.loads(files[MANIFEST])
    entries["parts"][name] = {"bytes": len(content), "crc32": zlib.crc32(content)}
    return {**files, name: content, MANIFEST: _sealed(entries)}


def _sealed(entries: dict[str, Any]) -> bytes:
    entries.pop("crc32", None)
    return json.dumps({**entries, "crc32": checksum(entries)}).encode()


def _integers(rng: random.Random, content: bytes) -> bytes:
    out = bytearray(content)
    form = rng.choice(("<i", "<q", "<Q", "<f"))
    size = struct.calcsize(form)
    near = min(len(out), rng.choice((200, len(out))))  # headers are at the start
    for _ in range(rng.choice((1, 1, 5, 100))):
        at = rng.randrange(max(near - size + 1, 1))
        at -= at % 4 if rng.random() < 0.8 else 0
        value = rng.choice((*INTEGERS, 1 << 40, -(1 << 40)))
        limit = 1 << (8 * size - 1)
        if form == "<f":
            struct.pack_into(form, out, at, rng.choice((0.0, float("nan"), float("inf"), 1e30)))
        elif form == "<Q":
            struct.pack_into(form, out, at, value % (1 << 64))
        else:
            struct.pack_into(form, out, at, min(max(value, -limit), limit - 1))
    return bytes(out)


def _arrays(rng: random.Random, content: bytes) -> bytes:
    """Arrays of another type, shape, length or with other values."""
    found = np.load(io.BytesIO(content))
    arrays = {"": found} if isinstance(found, np.ndarray) else dict(found)
    name = rng.choice(sorted(arrays))
    array = arrays[name]
    change = rng.randrange(8)
    if change == 0:
        array = array.astype(rng.choice(("i1", "u8", "f8", "f4", "U3", "c16", "?", ">i4")))
    elif change == 1:
        array = array.ravel() if array.ndim > 1 else array[:, None]
    elif change == 2:
        array = array[: rng.randrange(len(array) + 1)]
    elif change == 3:
        array = np.concatenate([array, array])
    elif change == 4:
        array = np.array(rng.choice((0, -1, 7))).astype(array.dtype)
    elif change == 5:
        array = np.asfortranarray(array[::-1])
    elif array.size:
        array = array.copy()
        low, high = (np.iinfo(array.dtype).min, np.iinfo(array.dtype).max)
        for _ in range(rng.choice((1, 1, 3, 50))):
            place = rng.randrange(array.size)
            near = int(array.flat[place]) + rng.choice((-1, 1))
            array.flat[place] = min(max(rng.choice((*INTEGERS, near, near)), int(low)), int(high))
    if change == 7 and name:
        del arrays[name]
    else:
        arrays[name] = array
    out = io.BytesIO()
    if "" in arrays:
        np.save(out, arrays[""])
    else:
        np.savez(out, **arrays)
    return out.getvalue()
