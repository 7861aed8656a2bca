"""A real Slurm of several nodes on this machine, from Debian's packages and without a database.

    python -m tests.slurm.cluster start FOLDER     # prints the variable that makes clients use it
    python -m tests.slurm.cluster stop FOLDER

Everything it has lies in the folder, and it listens on loopback only. All nodes are daemons of this machine
under names of their own, and their GPUs are links to devices that every machine has: Slurm counts them, hands
them out and sets `CUDA_VISIBLE_DEVICES`, and nobody can compute on them.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged")

CPU_NODES = ("c1",)
GPU_NODES = ("g1", "g2", "g3")
NODES = CPU_NODES + GPU_NODES
# More than the machine has: what is tested is who waits for whom, not how fast it is. One embedding job takes
# all cores of a node, so that a test that loses the node of its job loses no other.
NODE_CPUS = 4
NODE_MEMORY_MB = 16_000
GPU_MODEL = "made_up"
GPU_DEVICES = ("/dev/null", "/dev/zero")

_PATIENCE_SECONDS = 30.0


class ClusterError(Exception):
    """The cluster could not be started or stopped."""


def obstacle() -> str | None:
    """Why a cluster cannot be started on this machine, if it cannot."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=_search_path()) is None]
    if missing:
        return f"there is no {', '.join(missing)} (Debian: apt-get install {' '.join(PACKAGES)})"
    if os.geteuid() != 0:
        return "Slurm's daemons are started by root only"
    try:
        address = socket.gethostbyname(_host())
    except OSError:
        address = "no address"
    if not address.startswith("127."):
        # Job steps would listen on it.
        return f"the name of this host leads to {address}; let /etc/hosts say `127.0.0.1 {_host()}`"
    return None


@dataclass
class Job:
    """A job as the controller remembers it.

    Attributes:
        number: its id.
        rule: the rule that it runs, or the group of rules.
        state: what became of it.
        partition: where it was sent.
        node: where it ran.
        minutes: its time limit.
        cores: how many it asked for, and of the next two as well.
        memory_mb: on its node.
        gpus: their number, after their model and a colon if it named one.
    """

    number: int
    rule: str
    state: str
    partition: str
    node: str
    minutes: int
    cores: int
    memory_mb: int
    gpus: str

    @classmethod
    def told(cls, record: dict[str, str]) -> Job:
        """Read what `scontrol show jobs` tells of a job."""
        hours, minutes, _seconds = map(int, record["TimeLimit"].split(":"))
        return cls(
            number=int(record["JobId"]),
            # Snakemake's executor writes the rule into the comment: `rule_NAME_wildcards_...`.
            rule=record["Comment"].split("_")[1],
            state=record["JobState"],
            partition=record["Partition"],
            node=record.get("NodeList", ""),
            minutes=60 * hours + minutes,
            cores=int(record["CPUs/Task"]),
            memory_mb=int(record["MinMemoryNode"].removesuffix("M")),
            gpus=record.get("TresPerJob", "").removeprefix("gres:gpu:"),
        )


@dataclass
class Cluster:
    """The cluster of a folder, running or not.

    Attributes:
        folder: where all of it lies; a short path, since sockets in it must not be longer than 108 bytes.
    """

    folder: Path

    @property
    def configuration(self) -> Path:
        """The file that daemons and clients read."""
        return self.folder / "slurm.conf"

    def env(self) -> dict[str, str]:
        """Variables that make Slurm's programs use this cluster."""
        return {
            "SLURM_CONF": str(self.configuration),
            "PATH": os.pathsep.join([str(self.folder / "bin"), _search_path()]),
        }

    def start(self) -> None:
        """Start munge, the controller and the nodes, and wait until the nodes can take jobs."""
        if _daemon_of(self.folder / "slurmctld.pid"):
            raise ClusterError(f"a cluster runs in {self.folder}; stop it first")
        self._configure()
        self._start(
            "munged",
            f"--key-file={self.folder}/munge.key",
            f"--socket={self.folder}/munge.socket",
            f"--seed-file={self.folder}/munge.seed",
            f"--log-file={self.folder}/munged.log",
            f"--pid-file={self.folder}/munged.pid",
        )
        self._start("slurmctld")
        for node in NODES:
            self._start("slurmd", "-N", node)
        self._wait_for_nodes()

    def node_states(self) -> dict[str, str]:
        """What the controller says of each node; a state it is not sure of has an asterisk."""
        listed = self.ask("sinfo", "--noheader", "--Node", "--format=%N %T", check=False)
        return dict(line.split() for line in listed.splitlines()) or dict.fromkeys(NODES, "unknown")

    def jobs(self, folder: Path) -> list[Job]:
        """All jobs that Snakemake submitted from a folder, the first first."""
        listed = self.ask("scontrol", "show", "jobs", "--oneliner").splitlines()
        told = [dict(re.findall(r"([\w/]+)=(\S*)", line)) for line in listed]
        jobs = [Job.told(one) for one in told if one.get("WorkDir") == str(folder) and "Comment" in one]
        return sorted(jobs, key=lambda job: job.number)

    def ask(self, *command: str, check: bool = True) -> str:
        """What one of Slurm's programs prints."""
        done = subprocess.run(
            command, env={**os.environ, **self.env()}, text=True, capture_output=True, timeout=60
        )
        if check and done.returncode:
            raise ClusterError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def lose_node(self, node: str) -> None:
        """Kill all that runs on a node, as if its power were cut, and tell the controller that it is down."""
        jobs = self.ask("squeue", "--noheader", f"--nodelist={node}", "--format=%i").split()
        steps = [step for job in jobs for step in _step_daemons(self.configuration, job)]
        # Those that look after the others come first: they could report their end.
        daemon = _daemon_of(self.folder / f"slurmd.{node}.pid")
        lost = [daemon, *steps, *(child for step in steps for child in step.children(recursive=True))]
        for process in filter(None, lost):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.ask("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost")

    def restore_node(self, node: str) -> None:
        """Bring a lost node back."""
        self._start("slurmd", "-N", node)
        self.ask("scontrol", "update", f"NodeName={node}", "State=RESUME")
        self._wait_for_nodes()

    def stop(self) -> None:
        """Cancel the jobs, and end the daemons that have a pid file in the folder."""
        if _daemon_of(self.folder / "slurmctld.pid"):
            # Jobs end first, so that none of their processes outlives the daemon that looks after it.
            self.ask("scancel", "--full", "--signal=KILL", "--state=RUNNING", "--user=root", check=False)
            self.ask("scancel", "--user=root", check=False)
            with contextlib.suppress(ClusterError):
                self._wait_until(lambda: not self.ask("squeue", "--noheader", check=False), "its last job")
        # Munge last: the others speak through it.
        nodes, rest = sorted(self.folder.glob("slurmd.*.pid")), ("slurmctld.pid", "munged.pid")
        for daemon in filter(None, map(_daemon_of, [*nodes, *(self.folder / name for name in rest)])):
            daemon.terminate()
            with contextlib.suppress(ClusterError):
                self._wait_until(lambda daemon=daemon: not _is_alive(daemon), f"the end of {daemon.name()}")
            with contextlib.suppress(psutil.NoSuchProcess):
                daemon.kill()

    def _configure(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # Munge wants everybody to be able to reach its socket; what is secret in here says so itself.
        self.folder.chmod(0o711)
        for name in ("bin", "state", "spool"):
            (self.folder / name).mkdir(exist_ok=True)
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        for number, device in enumerate(GPU_DEVICES):
            gpu = self.folder / f"gpu{number}"
            gpu.unlink(missing_ok=True)
            gpu.symlink_to(device)
        # Snakemake's executor clears SLURM_CONF in a job before it calls srun.
        srun = self.folder / "bin" / "srun"
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={self.configuration} exec {shutil.which("srun")} "$@"\n')
        srun.chmod(0o755)
        ports = _free_ports(1 + len(NODES))
        self.configuration.write_text("\n".join(self._configuration_lines(ports)) + "\n")
        (self.folder / "gres.conf").write_text(
            f"NodeName={','.join(GPU_NODES)} Name=gpu Type={GPU_MODEL}"
            f" File={self.folder}/gpu[0-{len(GPU_DEVICES) - 1}] Flags=nvidia_gpu_env\n"
        )

    def _configuration_lines(self, ports: list[int]) -> Iterator[str]:
        host = _host()
        settings = {
            "ClusterName": "goldpan",
            "SlurmctldHost": f"{host}(127.0.0.1)",
            "SlurmctldPort": ports[0],
            "CommunicationParameters": "NoCtldInAddrAny,NoInAddrAny",
            "SlurmUser": "root",
            "SlurmdUser": "root",
            "AuthType": "auth/munge",
            "AuthInfo": f"socket={self.folder}/munge.socket",
            "StateSaveLocation": self.folder / "state",
            "SlurmdSpoolDir": self.folder / "spool" / "%n",
            "SlurmctldPidFile": self.folder / "slurmctld.pid",
            "SlurmdPidFile": self.folder / "slurmd.%n.pid",
            "SlurmctldLogFile": self.folder / "slurmctld.log",
            "SlurmdLogFile": self.folder / "slurmd.%n.log",
            # No cgroups: inside a container there are none to be had.
            "ProctrackType": "proctrack/pgid",
            "TaskPlugin": "task/none",
            "SwitchType": "switch/none",
            "MpiDefault": "none",
            "SelectType": "select/cons_tres",
            "SelectTypeParameters": "CR_CPU_Memory",
            "SlurmdParameters": "config_overrides",
            "GresTypes": "gpu",
            # Scheduled at once, and ended a second after a time limit: nobody should wait for a test.
            "SchedulerParameters": "sched_interval=2,bf_interval=2,batch_sched_delay=0",
            "KillWait": 1,
            "SlurmdTimeout": 60,
            # A machine that is busy with other tests answers late, and is not lost.
            "MessageTimeout": 60,
            # A node that was put down stays so until a test says otherwise.
            "ReturnToService": 0,
            # As long as jobs are known without a database; tests look back at them.
            "MinJobAge": 3600,
        }
        for key, value in settings.items():
            yield f"{key}={value}"
        for node, port in zip(NODES, ports[1:], strict=True):
            gpus = f" Gres=gpu:{GPU_MODEL}:{len(GPU_DEVICES)}" if node in GPU_NODES else ""
            yield (
                f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port}"
                f" CPUs={NODE_CPUS} RealMemory={NODE_MEMORY_MB}{gpus}"
            )
        yield f"PartitionName=cpu Nodes={','.join(CPU_NODES)} Default=YES MaxTime=1-0 DefaultTime=10"
        yield f"PartitionName=gpu Nodes={','.join(GPU_NODES)} MaxTime=1-0 DefaultTime=10"

    def _start(self, *command: str) -> None:
        done = subprocess.run(
            command,
            env={**os.environ, **self.env()},
            text=True,
            capture_output=True,
            timeout=60,
            cwd=self.folder,
        )
        if done.returncode:
            raise ClusterError(
                f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}{self._last_words()}"
            )

    def _wait_until(self, condition: Callable[[], bool], awaited: str) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise ClusterError(f"waited {_PATIENCE_SECONDS:.0f} s for {awaited}\n{self._last_words()}")
            time.sleep(0.1)

    def _wait_for_nodes(self) -> None:
        def all_are_up() -> bool:
            return set(self.node_states().values()) <= {"idle", "mixed", "allocated"}

        self._wait_until(all_are_up, "its nodes")

    def _last_words(self) -> str:
        """The end of each daemon's log."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{log.name}: {line}" for log in logs for line in log.read_text().splitlines()[-5:])


def _daemon_of(pid_file: Path) -> psutil.Process | None:
    """The process that a pid file names, if it is a live one of the daemon that the file is called after."""
    try:
        process = psutil.Process(int(pid_file.read_text()))
        return process if process.name() == pid_file.name.split(".")[0] and _is_alive(process) else None
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None


def _is_alive(process: psutil.Process) -> bool:
    """Whether a process runs; one that nobody has asked about since its end does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _step_daemons(configuration: Path, job: str) -> list[psutil.Process]:
    """The daemons that look after the steps of a job of this cluster."""
    found = []
    for process in psutil.process_iter():
        folder = Path("/proc") / str(process.pid)
        with contextlib.suppress(OSError):
            title = (folder / "cmdline").read_bytes()
            # Their title reaches into the environment, so that psutil finds none.
            environment = (folder / "environ").read_bytes().split(b"\0")
            is_ours = f"SLURM_CONF={configuration}".encode() in environment
            if is_ours and title.startswith(f"slurmstepd: [{job}.".encode()):
                found.append(process)
    return found


def _free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _host() -> str:
    """What Slurm takes for the name of this host."""
    return socket.gethostname().split(".")[0]


def _search_path() -> str:
    """Daemons lie where only root looks by default."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def main(arguments: list[str]) -> int:
    """The command line; returns the exit code."""
    if len(arguments) != 2 or arguments[0] not in ("start", "stop"):
        print(__doc__, file=sys.stderr)
        return 2
    cluster = Cluster(Path(arguments[1]).resolve())
    try:
        if arguments[0] == "stop":
            cluster.stop()
            return 0
        if reason := obstacle():
            raise ClusterError(reason)
        cluster.start()
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"export SLURM_CONF={cluster.configuration}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
