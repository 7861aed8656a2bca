"""Snakemake that asks Slurm for the state of its jobs once a second.

The executor waits longer and longer between two looks, up to three minutes: right for a cluster, and no use
in a test. Nothing else is changed; the arguments are those of `snakemake`.
"""

import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.next_seconds_between_status_checks = property(lambda self: 1.0, lambda self, value: None)  # type: ignore[method-assign,assignment]

if __name__ == "__main__":
    sys.argv[0] = "snakemake"
    main()
