"""The study of aligners on the toy genome: what is measured, kept, and written."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

pytest.importorskip("yaml")
pytest.importorskip("matplotlib")

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "pipelines"))

import benchmark_align  # noqa: E402

from genoseq import Aligner, Index, SimulationParameters, simulate_reads  # noqa: E402

SMALL = [
    "reads=60", "lengths=[100]", "divergences=[0,0.15]", "foreign=40", "speed.reads=100", "speed.rounds=2",
    "speed.divergences=[0.15]",
]  # fmt: skip


@pytest.fixture
def run(monkeypatch, tmp_path):
    def run(*words):
        arguments = ["pipelines/benchmark_align.py", "-o", tmp_path / "out", "--set", *SMALL, *words]
        monkeypatch.setattr(sys, "argv", [str(word) for word in arguments])
        benchmark_align.main()

    return run


def test_genoseq_alone(run, tmp_path, capsys):
    run("peers=[]")
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {
        "report.md", "results.json", "measured.jsonl", "files",
        "accuracy.png", "calibration.png", "speed.png",
    }  # fmt: skip
    assert "benchmark_align: 4/4 speed at 15%, reads a CPU second: genoseq " in capsys.readouterr().err
    found = json.loads((out / "results.json").read_text(encoding="utf-8"))["results"]
    aligner = Aligner(Index.open(out / "files" / "divergent.gsx"), "divergent")
    for each in found["sets"]:  # counted here from the arrays
        wanted = SimulationParameters(number=60, length=100, divergence=each["divergence"], seed=1)
        (reads,) = simulate_reads(aligner.index.reference, wanted)
        aligned = aligner.align(reads.reads)
        rows = aligned.primary
        origin = aligner.index.reference.offsets[reads.contig] + reads.start
        near = abs(aligned.alignments.starts[rows] - origin[aligned.alignments.reads[rows]]) <= 60
        assert each["right"] == pytest.approx((near & aligned.mapped[rows]).mean(), abs=2 / 60)  # clips
        assert each["reads"] == 60
    assert len(found["sets"]) == 2
    assert sum(row["placed"] for row in found["calibration"]["genoseq"]) == sum(
        round(each["mapped"] * 60) for each in found["sets"]
    )
    (speed,) = found["speed"]
    assert speed["low"] <= speed["median"] <= speed["high"]
    page = (out / "report.md").read_text(encoding="utf-8")
    assert f"| genoseq | {100 * sum(found['foreign']['genoseq']['foreign'].values()) / 40:.2f} |" in page
    kept = (out / "measured.jsonl").read_bytes()
    run("peers=[]")
    assert (out / "measured.jsonl").read_bytes() == kept
    assert "CPU second" not in capsys.readouterr().err


@pytest.mark.parametrize("peer", ["bwa", "last"])
def test_beside_a_peer(run, tmp_path, capsys, peer):
    if shutil.which({"last": "maf-convert"}.get(peer, peer)) is None:
        pytest.skip(f"{peer} is not installed")
    run(f"peers=[{peer}]")
    found = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["results"]
    right = {(each["program"], each["divergence"]): each["right"] for each in found["sets"]}
    assert right[peer, 0] > 0.9
    assert found["programs"][peer].split()[0] in (peer, "lastal")
    assert f"| 15 | {peer} | " in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "7/7 speed at 15%" in capsys.readouterr().err  # 3 sets of two programs, and the speed
    assert len((tmp_path / "out" / "measured.jsonl").read_text().splitlines()) == 7


def test_what_is_not_installed_is_left_out(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    from peers import executable

    executable.cache_clear()
    run("peers=[bwa,minimap2]")
    executable.cache_clear()
    assert "not installed, left out: bwa, minimap2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["preset=fast"], 2, "preset 'fast'; sr, divergent, sensitive are possible"),
        (["peers=[blat]"], 2, "peers: 'blat' is not known; bwa, bowtie2"),
        (["lengths=[]"], 2, "one of each is needed"),
        (["speed={length: 100}"], 2, "speed: divergences is missing or not known"),
        (["divergences=[0.5]", "peers=[]"], 2, "divergence: 0.5 is out of range"),
        (["genome=absent.fa", "peers=[]"], 1, "absent.fa: no such file"),
    ],
)
def test_bad_parameters(run, capsys, words, code, told):
    with pytest.raises(SystemExit) as caught:
        run(*words)
    assert caught.value.code == code
    assert told in capsys.readouterr().err
