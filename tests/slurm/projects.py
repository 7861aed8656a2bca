"""Projects that are run on a cluster."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldpan.workflow.file_groups import SMALL_FILE
from tests.corpus_projects import corpus_project, corpus_rows, corpus_study
from tests.projects import CHECKOUT, WorkflowProject
from tests.slurm.cluster import Cluster

RECORDS = 30
BLOCK = 10
EMBEDDINGS = [f"embeddings/tiny/notes/{year}__a.jsonl.h5" for year in (2023, 2024)]
FIRST_EMBEDDINGS = f"results/corpus/{EMBEDDINGS[0]}"


def notes_on_a_cluster() -> dict[str, Any]:
    """The study of `tests.corpus_projects`, its head learning what an LLM answered, in small blocks; a
    model of one's own answers the same."""
    study = corpus_study(embeddings={"tiny": {"block_size": BLOCK}})
    study["stages"] = {
        "topics": {
            "input": {"source": "notes"},
            "task": "topic",
            "provider": "main",
            "model": "goldpan-baseline-1",
        },
        "again": {"input": {"source": "notes"}, "task": "topic", "provider": "own"},
    }
    vllm = f"{sys.executable} {CHECKOUT / 'tests' / 'fake_vllm.py'}"
    study["providers"]["own"] = {"kind": "vllm", "model": "own-model", "command": vllm}
    study["heads"]["length"] |= {"labels": {"stage": "topics"}, "targets": {"length": "regression"}}
    return study


@dataclass
class SlurmProject(WorkflowProject):
    """A project whose Snakemake submits to a cluster, as `snakemake --profile slurm` does."""

    @classmethod
    def on(cls, cluster: Cluster, root: Path, *, small: bool = False) -> SlurmProject:
        """A project of two files that was never run.

        Args:
            small: they share jobs; else a field that nobody reads makes them so large that each has its own.
        """
        made = corpus_project(root)
        if not small:
            beside = "x" * (2 * SMALL_FILE // RECORDS)
            made.write_rows("notes/2023/a.jsonl", [{**row, "beside": beside} for row in corpus_rows(RECORDS)])
            rows = corpus_rows(RECORDS, start=RECORDS)
            made.write_rows("notes/2024/a.jsonl", [{**row, "beside": beside} for row in rows])
        made.write("own-model/config.json", "{}")
        made.write("own-model/model.safetensors", "weights")
        made.write_study(notes_on_a_cluster())
        (root / "slurm").symlink_to((CHECKOUT / "slurm").readlink())
        return cls(root, cluster.env(), made.study)

    def command(self, *arguments: str) -> list[str]:
        """The same with a short time between two looks at the jobs."""
        launcher = Path(__file__).with_name("fast_polling.py")
        return [sys.executable, str(launcher), "--profile", "slurm", *arguments]

    def run_plainly(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`snakemake --profile slurm` as a user types it."""
        return self._call(
            [str(Path(sys.executable).with_name("snakemake")), "--profile", "slurm", *arguments], check=True
        )

    def start_until_a_block_is_done(self, *arguments: str) -> tuple[subprocess.Popen[str], Path]:
        """Start Snakemake; the first job that has embedded a block waits until the file is written to."""
        marker = self.root / "stopped"
        point = {"GOLDPAN_STOP_AT": "embedding_block_done", "GOLDPAN_STOP_FILE": str(marker)}
        return self.start(*arguments, **point), marker

    def embedding_log(self) -> str:
        """What the job said that made the first embeddings file."""
        return self.artifact("logs/embeddings/tiny/notes/2023__a.jsonl.log").read_text()
