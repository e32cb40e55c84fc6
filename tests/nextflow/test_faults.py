"""Tasks that are killed, samples that are bad, runs that are stopped."""

import os
import re
import signal
import time

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(600)]

SMALL = ["--max-cpus", 1, "--max-memory", "3.GB"]


def test_a_killed_task_runs_again_with_more_memory(nextflow_with, killing_once, sheet, shipped, records):
    run = nextflow_with(killing_once)(
        "--input", sheet, "--fasta", shipped / "genome.fa.gz", "--chunk-reads", 0, *SMALL
    )  # fmt: skip
    assert run.exit == 0, run.log
    tasks = sorted(
        (task["tag"], task["attempt"], task["status"], task["exit"]) for task in run.of("GENOSEQ_ALIGN")
    )
    assert tasks == [
        ("one", "1", "FAILED", "137"),
        ("one", "2", "COMPLETED", "0"),
        ("two", "1", "COMPLETED", "0"),
    ]
    assert len(records(run.out / "align" / "one.bam")) == 2000


def test_a_bad_sample_is_not_tried_again_and_says_why(nextflow, bad_sheet, shipped):
    run = nextflow("--input", bad_sheet, "--fasta", shipped / "genome.fa.gz", "--chunk-reads", 0, *SMALL)
    assert run.exit != 0
    assert "cut.fq:5" in run.log
    assert "was skipped" not in run.log
    assert "Unexpected error" not in run.log
    assert {task["status"] for task in run.tasks} <= {"COMPLETED", "FAILED"}  # what runs is waited for
    failed = [task for task in run.tasks if task["status"] == "FAILED"]
    assert [(task["tag"], task["exit"], task["attempt"]) for task in failed] == [("bad", "1", "1")]


@pytest.mark.parametrize(("chunk_reads", "command"), [(0, "align"), (16384, "split")])
def test_with_skip_bad_samples_the_others_finish(nextflow, bad_sheet, shipped, chunk_reads, command):
    run = nextflow(
        "--input", bad_sheet, "--fasta", shipped / "genome.fa.gz", "--chunk-reads", chunk_reads,
        "--skip-bad-samples", *SMALL,
    )  # fmt: skip
    assert run.exit == 0, run.log
    assert sorted(path.stem for path in (run.out / "align").glob("*.bam")) == ["one", "two"]
    assert (run.out / "pipeline_info" / "skipped_samples.txt").read_text() == "bad\n"
    assert re.search(
        rf"GENOSEQ_{command.upper()} \(bad.*\) was skipped: genoseq {command}: error: 1/cut.fq:5", run.log
    )


def test_every_sample_skipped_is_told_and_taken_back_by_the_next_run(nextflow, bad_sheet, sheet, shipped):
    good = sheet.read_text()
    sheet.write_text(f"sample,fastq_1\n{bad_sheet.read_text().splitlines()[-1]}\n")
    words = ["--fasta", shipped / "genome.fa.gz", "--skip-bad-samples", *SMALL]
    run = nextflow("--input", sheet, *words)
    assert run.exit == 0, run.log
    assert "every sample was skipped" in run.log
    skipped = run.out / "pipeline_info" / "skipped_samples.txt"
    assert skipped.read_text() == "bad\n"
    sheet.write_text("\n".join(good.splitlines()[:2]) + "\n")
    assert nextflow("--input", sheet, *words).exit == 0
    assert not skipped.exists()


def test_a_sample_of_which_a_part_fails_is_left_out_whole(nextflow_with, standing_in, shipped):
    failing = standing_in('[[ "$*" == "align "*single+2.1.bam* ]] && { echo "it is bad" >&2; exit 1; }')
    run = nextflow_with(failing)(
        "--input", shipped / "samples.csv", "--fasta", shipped / "genome.fa.gz", "--chunk-reads", 0,
        "--skip-bad-samples", *SMALL,
    )  # fmt: skip
    assert run.exit == 0, run.log
    exits = {task["tag"]: task["exit"] for task in run.of("GENOSEQ_ALIGN")}
    assert exits == {"single+1.1": "0", "single+2.1": "1", "pairs": "0", "unaligned": "0"}
    assert not run.of("SAMTOOLS_MERGE")
    made = {path.name.split(".")[0] for path in (run.out / "align").rglob("*") if path.is_file()}
    assert made == {"pairs", "unaligned"}
    assert (run.out / "pipeline_info" / "skipped_samples.txt").read_text() == "single\n"
    assert "(single+2.1) was skipped: it is bad" in run.log


def test_resume_after_a_kill_does_only_what_was_lost(nextflow_with, standing_in, sheet, shipped, records):
    folder = sheet.parent
    hanging = standing_in(f'[[ "$*" == "align "*two.bam* && ! -e {folder}/go ]] && sleep 300')
    nextflow = nextflow_with(hanging)
    words = ["--input", sheet, "--fasta", shipped / "genome.fa.gz", "--chunk-reads", 0, *SMALL]
    process = nextflow.start(*words)
    trace = nextflow.folder / "out" / "pipeline_info" / "trace.txt"
    try:
        for _ in range(240):
            if trace.exists() and "GENOSEQ_ALIGN (one)" in trace.read_text():
                break
            time.sleep(0.5)
        assert "GENOSEQ_ALIGN (one)" in trace.read_text()
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # Nextflow and the task that it runs
        process.wait()
    (folder / "go").touch()
    published = nextflow.folder / "out" / "align" / "one.bam"
    published.parent.mkdir(parents=True, exist_ok=True)
    published.write_bytes(b"cut")  # as if it had been killed while it copied the result
    run = nextflow(*words, "-resume")
    assert run.exit == 0, run.log
    done = {(task["process"].split(":")[-1], task["tag"]): task["status"] for task in run.tasks}
    assert done["GENOSEQ_INDEX", "genome"] == "CACHED"
    assert done["GENOSEQ_ALIGN", "one"] == "CACHED"
    assert done["GENOSEQ_ALIGN", "two"] == "COMPLETED"
    assert len(records(run.out / "align" / "one.bam")) == 2000
    assert len(records(run.out / "align" / "two.bam")) == 500
