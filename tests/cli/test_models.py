"""`genoseq models`: what is known, and what is said of what is not here."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("huggingface_hub")

from genoseq.cli import main
from genoseq.models.registry import MODELS


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def test_the_list(capsys):
    assert main(["models", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [model.name for model in MODELS]
    assert main(["models", "list", "--json", "-"]) == 0
    rows = json.loads(capsys.readouterr().out)["models"]
    assert [row["revision"] for row in rows] == [model.revision for model in MODELS]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["list", "x"], 2, "takes no name"),
        (["pull"], 2, "needs the name of a model"),
        (["verify", "hyenadna-tiny-1k-seqlenn"], 2, "did you mean hyenadna-tiny-1k-seqlen?"),
        (["verify", "hyenadna-tiny-1k-seqlen"], 1, "genoseq models pull hyenadna-tiny-1k-seqlen"),
        (["pull", "hyenadna-tiny-1k-seqlen"], 1, "cannot be fetched from LongSafari/"),
        (["push"], 2, "invalid choice"),
    ],
)
def test_what_cannot_be_done(words, code, message, capsys):
    assert main(["models", *words]) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
