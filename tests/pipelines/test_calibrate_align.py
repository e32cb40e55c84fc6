"""The study of the judges, small: it runs, its weights fit the evidence, its card says what was measured."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

yaml = pytest.importorskip("yaml")
pytest.importorskip("sklearn")

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "pipelines"))

import calibrate_align  # noqa: E402
from calibrate_align import CONSTANT, Sample  # noqa: E402

from genoseq.align.conviction import CERTAINTY_FEATURES, FEATURES, KINSHIP_FEATURES  # noqa: E402

PARAMS = REPOSITORY / "pipelines" / "params" / "calibrate_align.yaml"


def made_up(number: int, seed: int = 0) -> Sample:
    """Evidence of which only the first number matters: the odds of being right are its exponential."""
    rng = np.random.default_rng(seed)
    evidence = rng.normal(size=(number, FEATURES))
    evidence[:, 1] = 0.0  # a number that never varies
    evidence[:, CONSTANT] = 1.0
    right = rng.random(number) < 1 / (1 + np.exp(-3 * evidence[:, 0] - 1))
    return Sample(evidence, right, np.where(rng.random(number) < 0.5, 0.1, -1.0))


def test_fit_finds_the_odds():
    weights = calibrate_align.fit(made_up(20_000), 100.0)
    assert weights[0] == pytest.approx(3, abs=0.2)
    assert weights[CONSTANT] == pytest.approx(1, abs=0.15)
    assert weights[1] == 0
    assert np.abs(weights[2:CONSTANT]).max() < 0.15


def test_reliability_counts_every_read_once():
    sample = made_up(3000)
    rows = calibrate_align.reliability(sample, np.eye(FEATURES)[0] * 3 + np.eye(FEATURES)[CONSTANT])
    assert sum(row["reads"] for row in rows) == 3000
    assert sum(row["wrong"] for row in rows) == (~sample.label).sum()
    first, last = rows[0], rows[3]
    assert first["wrong"] / first["reads"] > 10 * last["wrong"] / max(last["reads"], 1)


def test_held_out_reads_teach_nothing():
    sample = made_up(900)
    learn, measure = calibrate_align.split(sample, 1 / 3, seed=1)
    assert (len(learn.label), len(measure.label)) == (600, 300)
    both = np.concatenate([learn.evidence[:, 0], measure.evidence[:, 0]])
    assert sorted(both) == sorted(sample.evidence[:, 0])


@pytest.mark.slow
def test_the_study_small(tmp_path, monkeypatch):
    params = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    toy = {"name": "toy genome", "path": "genome.fa.gz", "reads": 60}
    params.update(
        genomes=[toy], foreign=toy, lengths=[100, 150], divergences=[0.0, 0.15, 0.3], clean_factor=2
    )
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(params))
    arguments = (
        f"x --params {tmp_path}/small.yaml --data {REPOSITORY}/data --work {tmp_path}/run -o {tmp_path}/out"
    )
    monkeypatch.setattr(sys, "argv", arguments.split())
    calibrate_align.main()
    judges = json.loads((tmp_path / "out" / "judges.json").read_text())
    assert {name: len(weights) for name, weights in judges.items()} == {
        "conviction": FEATURES,
        "certainty": CERTAINTY_FEATURES,
        "kinship": KINSHIP_FEATURES,
    }
    results = json.loads((tmp_path / "run" / "results.json").read_text())["results"]
    card = (tmp_path / "out" / "judges.md").read_text()
    assert (tmp_path / "run" / "calibration.png").read_bytes().startswith(b"\x89PNG")
    assert f"{results['conviction']['verdicts']:,} verdicts" in card
    assert f"{results['kinship']['alignments']:,} of mates" in card
    for judge in ("certainty", "kinship"):
        clean = [row for row in results[judge]["held_out"] if row["divergence"] == 0.0]
        assert sum(row["reads"] for row in clean) > 50
        assert sum(row["wrong"] for row in clean) <= 0.05 * sum(row["reads"] for row in clean)
