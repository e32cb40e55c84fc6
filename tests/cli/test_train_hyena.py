"""`genoseq train hyena`: a small run, the same command again, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.cli import main  # noqa: E402
from genoseq.hyena.hyenadna import HyenaDNA  # noqa: E402
from genoseq.sequence import decode  # noqa: E402

pytestmark = pytest.mark.usefixtures("restore_threads")

RECIPE = """
model: {d_model: 16, d_inner: 32, l_max: 66, filter_order: 8}
training: {steps: 12, tokens: 256, micro: 256, lengths: [[64, 1.0]], log_every: 4, validate_every: 6}
held_out: 0.2
"""


@pytest.fixture
def given(tmp_path):
    codes = np.random.default_rng(3).integers(0, 4, 20_000).astype(np.uint8)
    (tmp_path / "genome.fa").write_text(f">one\n{decode(codes)}\n")
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


def train(folder, *words):
    fixed = ["--params", folder / "recipe.yaml", "-o", folder / "run", "-t", "1"]
    return main(["train", "hyena", str(folder / "genome.fa"), *map(str, fixed), *map(str, words)])


def log_of(folder):
    return [json.loads(line) for line in (folder / "run" / "log.jsonl").read_text().splitlines()]


def test_a_run_leaves_a_model_and_a_log(given, capsys):
    assert train(given, "--json", given / "summary.json", "--plot", given / "curve.svg") == 0
    captured = capsys.readouterr()
    assert "16,000 bp to train on, 4,000 bp held out" in captured.err
    model = HyenaDNA.load(given / "run", device="cpu")
    assert model.config.l_max == 66
    summary = json.loads((given / "summary.json").read_text())
    assert summary["steps"] == 12
    assert summary["held_out_bases"] == 3999
    assert summary["held_out_bits_per_base"] == pytest.approx(2.0, abs=0.1)
    assert summary["markov_bits_per_base"] == pytest.approx(2.0, abs=0.01)  # the sequence is random
    assert summary["mixing_bits_per_base"] == pytest.approx(2.0, abs=0.05)
    assert f"markov_order {summary['markov_order']}" in captured.err
    curve = (given / "curve.svg").read_text()
    assert curve.count("<svg") == 1
    assert [line["step"] for line in log_of(given) if "loss" in line] == [4, 8, 12]


def test_the_same_command_goes_on(given, capsys):
    assert train(given) == 0
    first = HyenaDNA.load(given / "run", device="cpu").network.state_dict()
    log = log_of(given)
    # as if it had been stopped after the checkpoint of step 12 of 12: nothing is trained again
    with (given / "run" / "log.jsonl").open("a") as file:
        file.write('{"step": 13, "loss": 1}\n')
    assert train(given) == 0
    assert "goes on at step 12 of 12" in capsys.readouterr().err
    again = HyenaDNA.load(given / "run", device="cpu").network.state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert log_of(given)[: len(log) - 1] == log[:-1]


def test_the_seed_may_be_given(given):
    assert train(given, "--seed", "5", "-q", "--no-baselines") == 0
    assert "markov_order" not in (given / "run" / "log.jsonl").read_text()
    config = json.loads((given / "run" / "config.json").read_text())
    assert config["d_model"] == 16
    with pytest.raises(AssertionError):  # the checkpoint is of seed 5, the recipe of seed 1
        assert train(given, "-q") == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["none.fa", "-o", "run"], 1, "none.fa: no such file"),
        (["{genome}", "-o", "{genome}"], 2, "{genome}"),
        (["{genome}", "-o", "run", "--params", "none.yaml"], 1, "none.yaml: no such file"),
        (["{genome}"], 2, "-o"),
        (["{genome}", "-o", "run", "--device", "tpu"], 2, "invalid choice"),
        (["{genome}", "-o", "run", "--plot", "curve.bmp"], 2, "must end in .png, .svg, .pdf"),
        (["{genome}", "-o", "{folder}/no/run"], 0, ""),
    ],
)
def test_what_is_refused(given, monkeypatch, capsys, words, code, message):
    monkeypatch.chdir(given)
    places = {"genome": str(given / "genome.fa"), "folder": str(given)}
    words = [word.format(**places) for word in words]
    if code == 0:
        words += ["--params", str(given / "recipe.yaml")]
    assert main(["train", "hyena", *words, "-t", "1"]) == code
    assert message.format(**places) in capsys.readouterr().err


def test_a_wrong_recipe_is_named(given, capsys):
    (given / "recipe.yaml").write_text("model: {layers: 3}")
    assert train(given) == 1
    assert "recipe.yaml: model has no 'layers'" in capsys.readouterr().err


def test_a_sequence_too_short_to_train_on(given, capsys):
    (given / "genome.fa").write_text(">one\nACGTACGT\n")
    assert train(given) == 1
    assert "no window of 64 bp fits" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes(given):
    command = [
        sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone", "-m", "genoseq",
        "train", "hyena", "genome.fa", "--params", "recipe.yaml", "-o", "run", "-t", "1", "--device", "cpu",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=given, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert HyenaDNA.load(given / "run", device="cpu").config.d_model == 16
    assert [line["step"] for line in log_of(given) if "loss" in line] == [4, 8, 12]
