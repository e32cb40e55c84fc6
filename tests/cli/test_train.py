"""`genoseq train encoder`: whole small runs, resuming, and every bad input with its exit code."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from genoseq.cli import main
from genoseq.encoder.seed import SeedEncoder
from genoseq.encoder.train import CHECKPOINT
from genoseq.encoder.window import load_window_encoder
from genoseq.sequence import decode

pytestmark = pytest.mark.usefixtures("restore_threads")


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("genomes") / "toy.fa"
    text = decode(np.random.default_rng(0).integers(0, 4, 30_000).astype(np.uint8))
    path.write_text(f">toy\n{text}\n")
    return path


def train(*words: object) -> int:
    return main(["train", "encoder", *map(str, words), "-t", "1"])


def test_seed_weights_load_and_the_log_is_json(
    genome: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "seed.npz"
    code = train(
        "--genomes", genome, "-o", out, "--steps", 6, "--checkpoint", tmp_path / "run", "--validate", genome,
        "--json", tmp_path / "summary.json",
    )  # fmt: skip
    captured = capsys.readouterr()
    assert code == 0, captured.err
    assert captured.out == ""
    assert "device cpu" in captured.err or "device cuda" in captured.err
    encoder = SeedEncoder.load(out)
    assert encoder.meta["genomes"] == ["toy.fa"]
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert {line["stage"] for line in lines if "stage" in line} == {"global", "cell", "codes"}
    assert {line["recall"] for line in lines if "recall" in line} == {"untrained", "trained"}
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["digest"] == encoder.digest
    assert summary["trained"][0]["divergence"] == 0.05


def test_a_finished_run_resumes_to_the_same_weights(genome: Path, tmp_path: Path) -> None:
    common = ("--genomes", genome, "--steps", 3, "--checkpoint", tmp_path / "run", "-q")
    assert train(*common, "-o", tmp_path / "a.npz") == 0
    assert train(*common, "-o", tmp_path / "b.npz", "--resume") == 0
    assert SeedEncoder.load(tmp_path / "a.npz").digest == SeedEncoder.load(tmp_path / "b.npz").digest


def test_seed_option_stands_before_or_after_the_word_encoder(genome: Path, tmp_path: Path) -> None:
    digests = []
    for name, before, after in (("a", ["--seed", "5"], []), ("b", [], ["--seed", "5"]), ("c", [], [])):
        words = [
            "--genomes",
            str(genome),
            "-o",
            str(tmp_path / f"{name}.npz"),
            "--steps",
            "3",
            "-q",
            "-t",
            "1",
            *after,
        ]
        assert main(["train", *before, "encoder", *words]) == 0
        digests.append(SeedEncoder.load(tmp_path / f"{name}.npz").digest)
    assert digests[0] == digests[1] != digests[2]


def test_window_encoders_are_folders(genome: Path, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    common = ("--genomes", genome, "--steps", 1, "--batch", 4, "-q")
    assert train(*common, "--encoder", "sketch", "-o", tmp_path / "sketch") == 0
    assert load_window_encoder(tmp_path / "sketch").dim == 128
    assert train(*common, "--encoder", "rde", "--width", 24, "--vocabulary", 64, "-o", tmp_path / "rde") == 0
    assert load_window_encoder(tmp_path / "rde").dim == 24


def test_window_encoders_repeat_and_resume(genome: Path, tmp_path: Path) -> None:
    common = ("--genomes", genome, "--encoder", "sketch", "--steps", 2, "--batch", 4, "-q")
    run = tmp_path / "run"
    assert train(*common, "-o", tmp_path / "a") == 0
    assert train(*common, "-o", tmp_path / "b", "--checkpoint", run) == 0
    assert train(*common, "-o", tmp_path / "c", "--checkpoint", run, "--resume") == 0
    a, b, c = ((tmp_path / name / "model.safetensors").read_bytes() for name in "abc")
    assert a == b == c
    assert train(*common, "--seed", 7, "-o", tmp_path / "d") == 0
    assert (tmp_path / "d" / "model.safetensors").read_bytes() != a
    assert json.loads((run / "log.jsonl").read_text())["step"] == 2


def test_kill_leaves_a_checkpoint_that_leads_to_the_same_weights(genome: Path, tmp_path: Path) -> None:
    words = ["--genomes", str(genome), "--steps", "40", "-t", "1", "-q"]
    assert main(["train", "encoder", *words, "-o", str(tmp_path / "whole.npz")]) == 0
    run, out = tmp_path / "run", tmp_path / "cut.npz"
    words += ["--checkpoint", str(run), "-o", str(out)]
    command = [sys.executable, "-m", "genoseq", "train", "encoder", *words]
    with subprocess.Popen(command) as process:
        deadline = time.monotonic() + 60
        while not (run / CHECKPOINT).exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
    assert (run / CHECKPOINT).exists()
    assert main(["train", "encoder", *words, "--resume"]) == 0
    assert SeedEncoder.load(out).digest == SeedEncoder.load(tmp_path / "whole.npz").digest


def test_interrupt_is_130_and_leaves_nothing(
    genome: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("genoseq.encoder.train.contrast", interrupt)
    assert train("--genomes", genome, "-o", tmp_path / "out.npz", "--steps", 3) == 130
    assert "interrupted" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--resume"], 2, "--resume needs --checkpoint"),
        (["--resume", "--checkpoint", "{tmp}/none"], 1, "no checkpoint to resume"),
        (["--batch", "8"], 2, "--batch is for --encoder sketch and rde, not for seed"),
        (["--encoder", "sketch", "--width", "24"], 2, "--width is for --encoder rde"),
        (["--encoder", "sketch", "--validate", "x.fa"], 2, "--validate is for the seed encoder"),
        (["--encoder", "sketch", "--resume", "--checkpoint", "{tmp}/none"], 1, "no checkpoint to resume"),
        (["--checkpoint", "{tmp}/toy.fa"], 1, "toy.fa: is a file; checkpoints are kept in a folder"),
        (["--checkpoint", "{tmp}/old"], 2, "old: holds a checkpoint already; go on with --resume, or name"),
        (["-o", "{tmp}/out.txt"], 2, "out.txt: the weights of a seed encoder are a file that ends in .npz"),
        (["-o", "{genome}"], 2, "toy.fa is an input of this run"),
        (["--json", "{genome}"], 2, "toy.fa is an input of this run"),
        (["--json", "{tmp}/out.npz"], 2, "-o and --json both go to"),
        (["--json", "{tmp}/none/x.json"], 1, "there is no folder"),
        (["--encoder", "sketch", "-o", "{tmp}/old"], 1, "old: holds other files and no window encoder"),
        (["--encoder", "bert"], 2, "invalid choice"),
        (["--steps", "0"], 2, "out of range (allowed: 1..100000000)"),
        (["--device", "tpu"], 2, "invalid choice"),
        (["--validate", "{tmp}/missing.fa"], 1, "missing.fa: no such file"),
        (["-o", "{tmp}/none/seed.npz"], 1, "none"),
        (["--encoder", "rde", "-o", "{tmp}/none/rde"], 1, "does not exist"),
        (["--encoder", "rde", "--width", "100"], 2, "multiple of the 12 heads"),
    ],
)
def test_bad_usage(
    genome: Path, tmp_path: Path, capsys: pytest.CaptureFixture, words: list[str], code: int, message: str
) -> None:
    (tmp_path / "toy.fa").write_text("a file, not a folder")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / CHECKPOINT).write_text("of another run")
    words = [w.format(tmp=tmp_path, genome=genome) for w in words]
    assert train("--genomes", genome, "-o", tmp_path / "out.npz", *words) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert not list(tmp_path.glob("*.npz*"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (">a\nACGTACGTAC\n", "too few to train on"),
        (">a\n" + "A" * 5000 + "\n", "has no anchor word"),
        ("hello\n", "starts with 'hello'"),
        (">a\nAC!T\n", "bad.fa:2"),
    ],
    ids=["short", "no anchors", "not FASTA", "letters"],
)
def test_bad_genomes(tmp_path: Path, capsys: pytest.CaptureFixture, text: str, message: str) -> None:
    path = tmp_path / "bad.fa"
    path.write_text(text)
    assert train("--genomes", path, "-o", tmp_path / "out.npz") == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (">a\nACGTACGTAC\n", "tiny.fa: 10 bp are too few to validate on"),
        (">a\n" + "A" * 5000 + "\n", "tiny.fa: has no anchor word"),
    ],
    ids=["short", "no anchors"],
)
def test_a_bad_genome_to_validate_on_is_told_before_the_training(
    genome: Path, tmp_path: Path, capsys: pytest.CaptureFixture, text: str, message: str
) -> None:
    path = tmp_path / "tiny.fa"
    path.write_text(text)
    words = ("--steps", 3, "--checkpoint", tmp_path / "run")
    assert train("--genomes", genome, "--validate", path, "-o", tmp_path / "out.npz", *words) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_failing_validation_leaves_the_weights(
    genome: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr("genoseq.encoder.train.recall_rows", fail)
    out = tmp_path / "out.npz"
    assert train("--genomes", genome, "--validate", genome, "-o", out, "--steps", 3) == 1
    assert SeedEncoder.load(out).meta["genomes"] == ["toy.fa"]


def test_contigs_too_short_for_windows_are_told_by_file(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "short.fa"
    path.write_text(">a\n" + "ACGT" * 50 + "\n")
    assert train("--genomes", path, "--encoder", "sketch", "-o", tmp_path / "out") == 1
    assert f"error: {path}: no contig is longer than" in capsys.readouterr().err


def test_a_missing_genome_and_no_model_named(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert train("--genomes", tmp_path / "none.fa", "-o", tmp_path / "out.npz") == 1
    assert "none.fa: no such file" in capsys.readouterr().err
    assert main(["train"]) == 2


def test_without_torch_the_extra_is_named(
    genome: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert train("--genomes", genome, "-o", tmp_path / "out.npz") == 2
    assert "pip install 'genoseq[models]'" in capsys.readouterr().err
