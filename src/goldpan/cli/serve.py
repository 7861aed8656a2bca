"""`goldpan serve`: the built-in engine over HTTP."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan serve` to the command line."""
    parser = commands.add_parser("serve", help="an OpenAI-compatible batch endpoint on this machine")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100, help="0 picks a free one")
    parser.add_argument("--port-file", type=Path, help="write the port here once it listens")
    parser.add_argument("--folder", type=Path, default=Path(".goldpan/serve"), help="where state is kept")
    parser.add_argument("--faults", type=Path, metavar="FILE", help="a fault plan (see docs/serve.md)")
    parser.add_argument("--answers", metavar="FILE", help="scripted answers (see docs/serve.md)")
    parser.add_argument("--seconds-per-batch", type=float, default=0.0, help="a batch takes at least this")
    parser.add_argument("--workers", type=int, default=1, help="batches worked on at a time")
    parser.add_argument("--api-key-env", help="environment variable with the key clients must give")
    parser.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> None:
    from goldpan.serve import run

    run(
        host=options.host,
        port=options.port,
        port_file=options.port_file,
        folder=options.folder,
        fault_plan=options.faults,
        answers=options.answers,
        seconds_per_batch=options.seconds_per_batch,
        workers=options.workers,
        api_key_env=options.api_key_env,
    )
