"""A study on a cluster: what runs where, and what a second run does."""

import re

import pytest
import yaml

from tests.projects import CHECKOUT
from tests.slurm.cluster import GPU_MODEL, GPU_NODES
from tests.slurm.projects import EMBEDDINGS, FIRST_EMBEDDINGS, RECORDS, SlurmProject


def documented_requests() -> dict[str, tuple[int, int, int]]:
    """Cores, MB of memory and minutes by rule, as the docs list them."""
    docs = (CHECKOUT / "docs" / "slurm.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \|", docs, re.M)
    return {rule: (int(cores), int(memory), int(minutes)) for rule, cores, memory, minutes in rows}


@pytest.fixture(scope="module")
def made(cluster, tmp_path_factory):
    """A project run to its end, and what Snakemake said; not to be changed."""
    project = SlurmProject.on(cluster, tmp_path_factory.mktemp("made") / "project")
    return project, project.run()


def test_every_record_is_embedded_and_annotated(made):
    project, _ = made
    summary = project.json("annotated/all/summary.json")
    assert summary["rows"] == summary["annotated"] == 2 * RECORDS
    assert all(project.artifact(name).exists() for name in EMBEDDINGS)


def test_a_model_of_ones_own_answers_a_shard_on_a_node_and_the_ledger_is_read_here_alone(made):
    project, _ = made
    rows = project.rows("stages/again/features.jsonl")
    assert [row["state"] for row in rows] == ["ok"] * 2 * RECORDS
    assert {row["model"].partition("@")[0] for row in rows} == {"own-model"}
    answered = project.json("stages/again/round1/answered/0000.json")
    assert (answered["completed"], answered["devices"]) == (2 * RECORDS, {"vllm on 1 GPU": 2 * RECORDS})


def test_embedding_training_and_annotating_are_jobs_on_a_gpu_of_the_gpu_partition(made, cluster):
    project, _ = made
    jobs = cluster.jobs(project.root)
    assert sorted(job.rule for job in jobs) == ["annotate", "answer", "embed", "embed", "head"]
    assert {(job.state, job.partition, job.gpus) for job in jobs} == {("COMPLETED", "gpu", "1")}
    assert {job.node for job in jobs} <= set(GPU_NODES)


def test_everything_else_runs_on_the_submitting_host(made, cluster):
    project, done = made
    submitted = {job.rule for job in cluster.jobs(project.root)}
    finished = set(re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)", done.log, re.M))
    assert {"records", "plan", "submit", "wait", "fetch", "settle", "features"} <= finished - submitted


def test_times_of_grouped_jobs_add_up_and_they_share_one_gpu(made, cluster):
    project, _ = made
    [job] = [job for job in cluster.jobs(project.root) if job.rule == "annotate"]
    _, memory_mb, minutes = documented_requests()["annotate"]
    assert (job.minutes, job.memory_mb, job.gpus) == (2 * minutes, memory_mb, "1")


def test_a_job_asks_for_what_the_docs_say(made, cluster):
    project, _ = made
    asked = {job.rule: (job.cores, job.memory_mb, job.minutes) for job in cluster.jobs(project.root)}
    documented = documented_requests()
    assert {rule: asked[rule] for rule in ("embed", "head", "answer")} == {
        rule: documented[rule] for rule in ("embed", "head", "answer")
    }


def test_a_second_run_submits_nothing(made, cluster):
    project, _ = made
    before = cluster.jobs(project.root)
    assert "Nothing to be done" in project.run_plainly().stdout
    assert cluster.jobs(project.root) == before


def test_a_profile_of_ones_own_comes_on_top(project, cluster):
    docs = (CHECKOUT / "docs" / "slurm.md").read_text()
    shown = yaml.safe_load(docs.split("```yaml\n")[1].split("```")[0])
    # This cluster has its own GPUs, and no accounts.
    shown["default-resources"] = {"slurm_partition": "gpu", "gpu_model": GPU_MODEL}
    shown["set-threads"]["embed"] = 2
    project.write("mine/config.yaml", yaml.safe_dump(shown))
    project.run(FIRST_EMBEDDINGS, "--profile", "mine")
    [job] = cluster.jobs(project.root)
    assert (job.cores, job.memory_mb, job.minutes, job.gpus) == (2, 16_000, 120, f"{GPU_MODEL}:1")


def test_files_that_share_a_job_ask_for_what_a_profile_says_of_the_rule(cluster, tmp_path):
    project = SlurmProject.on(cluster, tmp_path / "project", small=True)
    project.run("results/corpus/embeddings/tiny/summary.json", "--set-resources", "embed:mem_mb=5000")
    [job] = cluster.jobs(project.root)
    assert (job.rule, job.memory_mb, job.state) == ("embed", 5000, "COMPLETED")
