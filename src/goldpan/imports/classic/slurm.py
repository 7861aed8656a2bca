"""Slurm settings of a job as a profile of Snakemake, which comes on top of goldpan's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from goldpan.errors import StudyError
from goldpan.imports.classic.fates import KeyFate, KeyFates

_LEFT = {
    "tasks": "each file is a job; `shards` of an embedding deals files to so many jobs",
    "tasks_per_job": "each file is a job; `shards` of an embedding deals files to so many jobs",
    "job_name": "jobs have names of their own",
    "output": "Slurm's logs lie in `results/STUDY/logs/slurm`",
    "error": "Slurm's logs lie in `results/STUDY/logs/slurm`",
    "logging_dir": "logs lie in `results/STUDY/logs`",
    "slurm_logs_folder": "Slurm's logs lie in `results/STUDY/logs/slurm`",
    "venv_path": "jobs run in the Python that runs Snakemake: activate it before",
    "condaenv": "jobs run in the Python that runs Snakemake: activate it before",
    "env_command": "jobs run in the environment that runs Snakemake: run the command before",
    "gpus_per_task": "each job asks for one GPU, and more of them run at a time",
    "skip_completed": "what is made and current is never made again",
    "requeue": "a job that fails or is lost is submitted again, with more time and memory",
    "requeue_signals": "a job that fails or is lost is submitted again, with more time and memory",
    "max_array_size": "jobs are no array",
    "max_array_launch_parallel": "jobs are no array",
    "stagger_max_array_jobs": "jobs are no array",
    "randomize_start_duration": "jobs are no array",
    "depends_job_id": "Snakemake starts a job when its inputs are there",
    "job_id_position": "Snakemake reads the ids of jobs itself",
    "run_on_dependency_fail": "Snakemake starts a job when its inputs are there",
    "srun_args": "a job has one step",
}
_ONE_JOB = {
    "nodes": "a job is on one node",
    "ntasks": "a job has one task",
    "ntasks-per-node": "a job has one task",
    "ntasks_per_node": "a job has one task",
    "gres": "each job asks for one GPU, and more of them run at a time",
    "gpus-per-task": "each job asks for one GPU",
    "gpus_per_task": "each job asks for one GPU",
    "output": "Slurm's logs lie in `results/STUDY/logs/slurm`",
    "error": "Slurm's logs lie in `results/STUDY/logs/slurm`",
}
_RESOURCES = {
    "account": "slurm_account",
    "partition": "slurm_partition",
    "qos": "qos",
    "constraint": "constraint",
}
"""Argument of sbatch -> resource of Snakemake's executor."""


def slurm_profile(settings: Mapping[str, Any], rule: str) -> tuple[dict[str, Any], list[KeyFate]]:
    """The profile that asks Slurm for what a job asks for, and what became of each key.

    Args:
        settings: `slurm_settings` of the job.
        rule: that does what the job does.

    Raises:
        StudyError: its time is none.
    """
    keys = KeyFates("slurm_settings", settings)
    common: dict[str, Any] = {}
    for key in ("partition", "qos", "account", "constraint"):
        value = keys.take(key, f"profile: default-resources.{_RESOURCES[key]}")
        if value is not None:
            common[_RESOURCES[key]] = value
    asked: dict[str, Any] = {}
    time = keys.take("time", f"profile: set-resources.{rule}.runtime")
    if time is not None:
        asked["runtime"] = f"{_minutes(time)} * attempt"
    threads = keys.take("cpus_per_task", f"profile: set-threads.{rule}")
    memory = keys.take("mem_per_cpu_gb", f"profile: set-resources.{rule}.mem_mb, for all its CPUs")
    if memory is not None:
        asked["mem_mb"] = f"{int(float(memory) * 1024 * int(threads or 1))} * attempt"
    workers = keys.take("workers", "profile: jobs")
    extra: list[str] = []
    for key in ("mail_type", "mail_user"):
        value = keys.take(key, "profile: default-resources.slurm_extra")
        if value is not None:
            extra.append(f"--{key.replace('_', '-')}={value}")
    for key, value in (keys.take("sbatch_args", "") or {}).items():
        if key in _RESOURCES:
            common.setdefault(_RESOURCES[key], value)
            keys.tell(f"sbatch_args.{key}", f"profile: default-resources.{_RESOURCES[key]}")
        elif key in _ONE_JOB:
            keys.tell(f"sbatch_args.{key}", f"left out: {_ONE_JOB[key]}")
        else:
            option = str(key).replace("_", "-")
            extra.append(f"--{option}" if value in ("", True, None) else f"--{option}={value}")
            keys.tell(f"sbatch_args.{key}", "profile: default-resources.slurm_extra")
    if extra:
        common["slurm_extra"] = f"'{' '.join(extra)}'"
    keys.leave(_LEFT)
    profile: dict[str, Any] = {}
    if common:
        profile["default-resources"] = {"slurm_partition": "gpu", **common}
    if isinstance(workers, int) and workers > 0:
        profile["jobs"] = workers
    if asked:
        profile["set-resources"] = {rule: asked}
    if threads is not None:
        profile["set-threads"] = {rule: int(threads)}
    return profile, [fate for fate in keys.rest() if fate.key != "slurm_settings.sbatch_args"]


def _minutes(time: Any) -> int:
    """Minutes of a time as Slurm reads it: `[days-]hours:minutes:seconds`, `minutes:seconds` or minutes."""
    days, dash, clock = str(time).rpartition("-")
    try:
        parts = [int(part) for part in clock.split(":")]
        if dash:
            hours, minutes, seconds = (*parts, 0, 0)[:3]
        elif len(parts) == 3:
            hours, minutes, seconds = parts
        else:
            hours, (minutes, seconds) = 0, (*parts, 0)[:2]
        return max(1, int(days or 0) * 1440 + hours * 60 + minutes + (seconds > 0))
    except ValueError:
        raise StudyError(
            f"`{time}` is no time of Slurm", where="slurm_settings.time", remedy="write e.g. 04:00:00"
        ) from None
