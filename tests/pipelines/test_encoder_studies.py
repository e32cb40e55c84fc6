"""The studies of the encoder, small: they run, and their cards and tables say what they measured."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
yaml = pytest.importorskip("yaml")

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "pipelines"))

import explore_encoder  # noqa: E402
import train_encoder  # noqa: E402

from genoseq.encoder.seed import SeedEncoder  # noqa: E402
from genoseq.errors import UsageError  # noqa: E402
from genoseq.sequence import decode  # noqa: E402

pytestmark = pytest.mark.usefixtures("restore_threads")

PARAMS = REPOSITORY / "pipelines" / "params"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """The shipped plan in three steps, on the toy genome."""
    values = yaml.safe_load((PARAMS / "train_encoder.yaml").read_text(encoding="utf-8"))
    toy = {"name": "toy genome", "source": "data", "relation": "all of it", "path": "genome.fa.gz"}
    values.update(genomes=[toy], measured=[toy], queries=200)
    for stage in values["training"]["stages"]:
        stage["steps"] = 1
    path = tmp_path / "train_encoder.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def run(study, monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", ["study", *map(str, words)])
    study.main()


def test_training_writes_weights_and_their_card(
    plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    common = ("--params", plan, "--data", REPOSITORY / "data", "--work", tmp_path / "run", "-o", out)
    run(train_encoder, monkeypatch, *common)
    encoder = SeedEncoder.load(out / "seed.npz")
    card = (out / "seed.md").read_text(encoding="utf-8")
    assert f"`{encoder.digest}`" in card
    assert "| codes | 1 | 16 x 256 | 5%-30% | same cell, as product codes |" in card
    for tables in ("untrained", "int16", "trained"):
        assert f"| toy genome | {tables} | 20% |" in card
    figures = [line for line in card.splitlines() if line.startswith("| toy genome | ")]
    page = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert set(figures) <= set(page.splitlines())
    assert (tmp_path / "run" / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "3/3 steps, codes: loss " in capsys.readouterr().err
    run(train_encoder, monkeypatch, *common, "--measure", out / "seed.npz")
    card = (out / "seed.md").read_text(encoding="utf-8")
    again = [line for line in card.splitlines() if line.startswith("| toy genome | ")]
    assert again == [line for line in figures if "int16" not in line]


def test_the_card_that_ships_is_of_the_weights_that_ship() -> None:
    card = (REPOSITORY / "genoseq" / "weights" / "seed.md").read_text(encoding="utf-8")
    assert f"`{SeedEncoder.load().digest}`" in card


def test_plans_with_unknown_names_are_refused(plan: Path) -> None:
    values = yaml.safe_load(plan.read_text(encoding="utf-8"))["training"]
    with pytest.raises(UsageError, match="temprature"):
        train_encoder.read_config({**values, "temprature": 1})
    del values["words"]
    with pytest.raises(UsageError, match="'words' is missing"):
        train_encoder.read_config(values)


def test_a_region_needs_a_single_contig(tmp_path: Path) -> None:
    (tmp_path / "two.fa").write_text(">a\nACGTACGT\n>b\nACGT\n")
    with pytest.raises(UsageError, match="need a single contig, found 2"):
        train_encoder.read_region(tmp_path, {"path": "two.fa", "start": 2})
    (tmp_path / "one.fa").write_text(">a\nACGTACGT\n")
    assert train_encoder.read_region(tmp_path, {"path": "one.fa", "start": 2, "end": 5})[0].tolist() == [
        2,
        3,
        0,
    ]


def test_variants_are_measured(
    plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variants = [
        {"name": "ships", "weights": "shipped"},
        {"name": "one word", "weights": "shipped", "words": ["AC"]},
        {"name": "purines", "weights": "shipped", "whole": 0, "transition_bias": 8.0},
        {"name": "small codes", "words": ["GA"], "pieces": 8},
    ]
    values = {
        "plan": plan.name, "held_out": {"path": "genome.fa"}, "steps": 3, "reads": 300, "length": 150,
        "seed": 1, "divergences": [0.0, 0.15], "variants": variants,
        "scarce": {"path": "genome.fa", "words": [["AC"], ["AC", "GA"]], "lengths": [10, 100]},
    }  # fmt: skip
    params = tmp_path / "explore.yaml"
    params.write_text(yaml.safe_dump(values), encoding="utf-8")
    letters = decode(np.random.default_rng(0).integers(0, 4, 60_000).astype(np.uint8))
    (tmp_path / "genome.fa").write_text(f">g\n{letters}\n")
    (tmp_path / "genome.fa.gz").symlink_to(REPOSITORY / "data" / "genome.fa.gz")
    words = ("--params", params, "--data", tmp_path, "-o", tmp_path / "out")
    run(explore_encoder, monkeypatch, *words)
    page = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    lines = page.partition("| variant | ")[2].partition("\n\n")[0].splitlines()
    rows = {cells[1].strip(): [c.strip() for c in cells[2:-1]] for cells in (x.split("|") for x in lines[2:])}
    assert list(rows) == [v["name"] for v in variants]
    for name, (size, anchors, compared, _, clean, diverged) in rows.items():
        assert float(clean) > 0.99, name  # every read has its own place in a random genome
        assert 0.5 < float(diverged) <= 1
        assert float(compared.replace(",", "")) > float(anchors) > 5
        assert float(size) > 1
    assert float(rows["ships"][0]) == pytest.approx(2 * float(rows["one word"][0]), rel=0.1)
    # a quarter of the anchors of a random genome say a word: an eighth each in either direction
    assert float(rows["one word"][0]) == pytest.approx(16 / 8, rel=0.1)
    assert float(rows["small codes"][0]) == pytest.approx(12 / 8, rel=0.1)
    capsys.readouterr()
    run(explore_encoder, monkeypatch, *words, "--set", "again=[ships]")  # the others were kept
    told = capsys.readouterr().err
    assert "ships: {" in told
    assert "one word" not in told


def test_reads_with_few_anchors_are_counted() -> None:
    codes = np.zeros(1_000, np.uint8)  # AAAA...
    codes[[500, 510, 800]] = 1  # AC begins one base before
    lines = explore_encoder.scarce_table(codes, [["AC"], ["AC", "GA"]], [100]).splitlines()
    inside = [sum(s <= p <= s + 98 for p in (499, 509, 799)) for s in range(0, 900, 10)]
    none, few = inside.count(0), inside.count(0) + inside.count(1)
    assert 0 < none < few < 90
    assert lines[2] == f"| AC | {none / 90:.3%}, {few / 90:.3%} |"
    assert lines[3] == f"| AC + GA | {none / 90:.3%}, {few / 90:.3%} |"


def test_purines_come_first() -> None:
    rng = np.random.default_rng(0)
    keys = rng.integers(0, 1 << 33, 1000).astype(np.uint64)
    np.testing.assert_array_equal(explore_encoder.purines_first(keys, 16), keys)
    moved = explore_encoder.purines_first(keys, 0)
    assert len(np.unique(moved)) == len(np.unique(keys))
    np.testing.assert_array_equal(moved >> np.uint64(32), keys >> np.uint64(32))
    transition = keys ^ np.uint64(0b10 << 20)  # the upper bit of a base: A-G, C-T
    same = (explore_encoder.purines_first(transition, 0) ^ moved) >> np.uint64(16)
    assert not same.any()
