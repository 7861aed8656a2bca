"""What every script of the workflow begins with: its project, and its log file."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from goldpan.errors import GoldpanError, storage_error
from goldpan.interrupt import EXIT_CODE, STOPPED
from goldpan.providers.own_model.identity import with_models_named
from goldpan.study.load import Project, load_project


@contextlib.contextmanager
def project_and_log(snakemake: Any) -> Iterator[tuple[Project, Callable[[object], None]]]:
    """Load the project of a job and open its log file; the function writes a line to it.

    An error that a user can mend is written there, and to stderr, without a traceback; the process then
    ends with the error's exit code. Ctrl-C ends it with 130.

    Args:
        snakemake: what Snakemake hands to the script.
    """
    config = snakemake.config
    try:
        with open(snakemake.log[0], "w", encoding="utf-8") as log:  # noqa: PTH123

            def write(line: object) -> None:
                print(line, file=log, flush=True)

            try:
                yield (
                    with_models_named(
                        load_project(
                            config["study"],
                            ledger=config["ledger"],
                            results=config["results"],
                            runs=config.get("runs"),
                            limit=config.get("limit"),
                            mode=config.get("mode"),
                            replay=config.get("replay", False),
                        )
                    ),
                    write,
                )
            except GoldpanError as error:
                # The disk may be too full for the log.
                with contextlib.suppress(OSError):
                    write(f"{type(error).__name__}: {error}")
                raise
            except Exception as error:
                with contextlib.suppress(OSError):
                    write(_fault(error))
                raise
    except GoldpanError as error:
        _end(error)
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        sys.exit(EXIT_CODE)
    except OSError as error:
        named = storage_error(error)
        if named is None:
            raise
        _end(named)


def _fault(error: Exception) -> str:
    """What a log says of an error that is not goldpan's own: the disk's has a name, others a traceback."""
    named = storage_error(error) if isinstance(error, OSError) else None
    if named is not None:
        return f"{type(named).__name__}: {named}"
    return "".join(traceback.format_exception(error))


def _end(error: GoldpanError) -> NoReturn:
    # In one piece with its end of line: else what `tee` says would come between.
    sys.stderr.write(f"goldpan: {type(error).__name__}: {error}\n")
    sys.exit(error.exit_code)
