"""Jobs that end before they are done: by their time limit, with their node, or left behind by Snakemake.

Each has embedded one block of a file by then.
"""

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import pytest

from goldpan.embeddings.reader import EmbeddingFile
from tests.projects import until
from tests.slurm.projects import BLOCK, EMBEDDINGS, FIRST_EMBEDDINGS, RECORDS, SlurmProject

RESUMED = (
    f"{RECORDS} records, {RECORDS} embedded, 0 truncated, skipped {{}}, {{tokens}} tokens; {{count}} done"
)


def has_written(marker: Path) -> bool:
    """Whether a job waits, having written its process id."""
    return marker.exists() and marker.read_text() != ""


def is_waited_for(folder: Path) -> bool:
    """Whether the kernel lists somebody who waits until a journal in the folder is unlocked."""
    waiting = [line.split() for line in Path("/proc/locks").read_text().splitlines() if "->" in line]
    endings = tuple(f":{journal.stat().st_ino}" for journal in folder.glob(".*.journal"))
    return any(word.endswith(endings) for words in waiting for word in words)


@dataclass
class Running:
    """A project that is being run."""

    project: SlurmProject
    process: Popen[str]
    marker: Path


@pytest.fixture(scope="module", autouse=True)
def overdue(cluster, tmp_path_factory) -> Iterator[Running]:
    """A run whose job never ends by itself. A minute is the least limit there is: other tests fill it."""
    project = SlurmProject.on(cluster, tmp_path_factory.mktemp("overdue") / "project")
    process, marker = project.start_until_a_block_is_done(
        FIRST_EMBEDDINGS, "--set-resources", "embed:runtime=attempt"
    )
    until(lambda: has_written(marker), process)
    yield Running(project, process, marker)
    process.kill()
    process.communicate()


def test_a_lost_node_costs_the_block_that_was_under_way(project, cluster):
    process, marker = project.start_until_a_block_is_done(FIRST_EMBEDDINGS)
    until(lambda: has_written(marker), process)
    [job] = cluster.jobs(project.root)
    cluster.lose_node(job.node)
    try:
        output, _ = process.communicate(timeout=120)
    finally:
        cluster.restore_node(job.node)

    assert process.returncode == 0, output
    lost, again = cluster.jobs(project.root)
    assert (lost.state, again.state) == ("NODE_FAIL", "COMPLETED")
    assert again.node != lost.node
    assert f"; {BLOCK} done by an earlier run" in project.embedding_log()


@pytest.fixture(scope="module")
def left_behind(cluster, tmp_path_factory) -> tuple[SlurmProject, str]:
    """A project whose Snakemake was killed while its job ran, and run again; what the second one said."""
    project = SlurmProject.on(cluster, tmp_path_factory.mktemp("left") / "project")
    process, marker = project.start_until_a_block_is_done(FIRST_EMBEDDINGS)
    until(lambda: has_written(marker), process)
    process.send_signal(signal.SIGKILL)
    process.communicate()

    second = project.start(FIRST_EMBEDDINGS)
    until(lambda: is_waited_for(project.artifact(EMBEDDINGS[0]).parent), second)
    marker.write_text("go on")
    output, _ = second.communicate(timeout=120)
    assert second.returncode == 0, output
    return project, output


def test_a_job_left_behind_by_a_killed_snakemake_ends_well_as_does_its_second_copy(left_behind, cluster):
    project, _ = left_behind
    until(lambda: all(job.state != "COMPLETING" for job in cluster.jobs(project.root)))
    jobs = cluster.jobs(project.root)
    said = [log.read_text() for log in project.artifact("logs/slurm").rglob("*.log")]
    assert [job.state for job in jobs] == ["COMPLETED"] * 2, f"{jobs}\n{said}"
    with EmbeddingFile(project.artifact(EMBEDDINGS[0])) as made:
        assert len(made) == RECORDS


def test_the_second_copy_takes_what_the_first_embedded(left_behind):
    project, _ = left_behind
    assert f"; {RECORDS} done by an earlier run" in project.embedding_log()


def test_a_job_ended_by_its_time_limit_is_tried_again_with_more_time(overdue, cluster):
    output, _ = overdue.process.communicate(timeout=150)

    assert overdue.process.returncode == 0, output
    first, second = cluster.jobs(overdue.project.root)
    assert (first.state, first.minutes) == ("TIMEOUT", 1)
    assert (second.state, second.minutes) == ("COMPLETED", 2)
    # What Slurm said of the job that failed lies with the study.
    assert list(overdue.project.artifact("logs/slurm").rglob("*.log"))
    assert f"; {BLOCK} done by an earlier run" in overdue.project.embedding_log()
