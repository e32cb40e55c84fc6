"""The form of messages and the exit codes that belong to them."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from genoseq import errors


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("short",), "short"),
        (("short", "reads.fq"), "reads.fq: short"),
        (("short", Path("a/reads.fq"), 4), "a/reads.fq:4: short"),
        (("short", None, 4), "line 4: short"),
    ],
)
def test_an_input_error_shows_path_and_line(arguments, text):
    assert str(errors.InputError(*arguments)) == text


def test_exit_codes():
    without = ("GenoseqWarning", "counted")
    codes = {name: getattr(errors, name).exit_code for name in errors.__all__ if name not in without}
    assert codes == {
        "CheckpointError": 1,
        "GenoseqError": 1,
        "IndexFileError": 1,
        "InputError": 1,
        "MissingDependencyError": 2,
        "UsageError": 2,
    }


def test_errors_survive_pickling():
    for error in (errors.InputError("m", "f", 2), errors.MissingDependencyError("x", "torch", "models")):
        assert str(pickle.loads(pickle.dumps(error))) == str(error)
