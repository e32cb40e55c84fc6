"""The workflows on a real Slurm of one node: a killed task, a bad sample, and the others."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MISSING = [name for name in ("sbatch", "slurmctld", "slurmd", "munged") if shutil.which(name) is None]
IS_ROOT = os.geteuid() == 0
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        bool(MISSING) or not IS_ROOT,
        reason=f"needs root and Debian's slurmctld, slurmd, slurm-client and munge; missing: {MISSING}",
    ),
]
SCRIPT = Path(__file__).parent / "slurm.sh"


@pytest.fixture
def slurm(tmp_path_factory):
    """Its configuration; it is stopped after the test."""
    folder = tmp_path_factory.mktemp("slurm")
    subprocess.run([SCRIPT, "up", folder, "4", "8192"], check=True, timeout=90)
    yield folder / "slurm.conf"
    subprocess.run([SCRIPT, "down", folder], check=True, timeout=30)


def test_a_killed_task_and_a_bad_sample(nextflow_with, killing_once, bad_sheet, slurm, shipped, records):
    fast = bad_sheet.with_name("fast.config")  # it asks Slurm every minute otherwise
    fast.write_text("executor { pollInterval = '2s'; queueStatInterval = '2s' }\n")
    run = nextflow_with(killing_once)(
        "-profile", "slurm", "-c", fast, "--input", bad_sheet, "--fasta", shipped / "genome.fa.gz",
        "--slurm-partition", "test", "--skip-bad-samples", "--max-cpus", 1, "--max-memory", "3.GB",
        "--max-time", "10.min", SLURM_CONF=str(slurm),
    )  # fmt: skip
    assert run.exit == 0, run.log
    assert len(run.tasks) >= 8
    assert len({task["native_id"] for task in run.tasks}) == len(run.tasks)  # a job of Slurm each
    aligned = sorted((task["tag"], task["attempt"], task["exit"]) for task in run.of("GENOSEQ_ALIGN"))
    assert aligned == [("one", "1", "137"), ("one", "2", "0"), ("two", "1", "0")]
    assert [
        (task["tag"], task["exit"]) for task in run.of("GENOSEQ_SPLIT") if task["status"] == "FAILED"
    ] == [("bad, lane 1", "1")]
    assert len(records(run.out / "align" / "one.bam")) == 2000
    assert len(records(run.out / "align" / "two.bam")) == 500
    assert (run.out / "pipeline_info" / "skipped_samples.txt").read_text() == "bad\n"
