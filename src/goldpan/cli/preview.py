"""`goldpan preview`: the rendered request of a record, before anything is paid."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from goldpan.cli import add_project_options

if TYPE_CHECKING:
    from goldpan.chains.request_preview import PreviewedRecord, PreviewedRequest


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan preview` to the command line."""
    parser = commands.add_parser(
        "preview", help="show what a record is asked, as it would be sent; spends nothing"
    )
    parser.add_argument("stage", help="name of the stage")
    parser.add_argument(
        "--id",
        action="append",
        default=[],
        metavar="ID",
        help="of a record (default: the first that is asked)",
    )
    parser.add_argument("--limit", metavar="N", help="read only the first N rows of each source")
    parser.add_argument("--mode", metavar="MODE", help="batch or online, as the run does")
    parser.add_argument("--json", action="store_true", help="print each record as a line of JSON")
    add_project_options(parser)
    parser.set_defaults(run=_preview)


def _preview(options: argparse.Namespace) -> None:
    import orjson

    from goldpan.chains.request_preview import preview_requests
    from goldpan.cli.project import project_of, stage_of

    project = project_of(options)
    stage_of(project, options.stage)
    for record in preview_requests(project, options.stage, options.id):
        if options.json:
            print(orjson.dumps(record.as_json()).decode())
        else:
            print("\n".join(_lines(record)))
    if not options.json:
        print("nothing was sent and nothing was paid")


def _lines(record: PreviewedRecord) -> Iterator[str]:
    from goldpan.visible_text import printable

    yield printable(f"record {record.id}, source {record.source}, {record.file}, line {record.line}")
    if record.skip is not None:
        yield printable(f"is not asked: {record.skip}")
    for request in record.requests:
        sample = (
            f", sample {request.sample + 1} of {len(record.requests)}" if len(record.requests) > 1 else ""
        )
        yield printable(
            f"task {request.task}{sample}: POST {request.url} to the model {request.body['model']}"
        )
        for name, value in request.notes.items():
            yield printable(f"note: {name}: {value}")
        yield from _body_lines(request.body)
        yield ""
        yield f"{request.prompt_tokens:,} prompt tokens, {_answer_text(request)}, {_cost_text(request)}"
        yield _known_text(request.answered)


def _body_lines(body: dict[str, Any]) -> Iterator[str]:
    """The messages as text, each below its role, and what else is sent as JSON."""
    import orjson

    from goldpan.visible_text import printable

    rest = dict(body)
    messages = rest.pop("messages", None) or rest.pop("input", [])
    for message in messages:
        yield ""
        yield f"--- {printable(message['role'])} " + "-" * (66 - len(message["role"]))
        yield from map(printable, message["content"].split("\n"))
    rest.pop("model", None)
    if rest:
        yield ""
        yield "--- with it is sent " + "-" * 51
        yield from map(printable, orjson.dumps(rest, option=orjson.OPT_INDENT_2).decode().split("\n"))


def _answer_text(request: PreviewedRequest) -> str:
    return f"some {request.completion_tokens:,} of an answer ({request.completion_basis})"


def _cost_text(request: PreviewedRequest) -> str:
    return "the price is not known" if request.cost_usd is None else f"{request.cost_usd:.6f} USD"


def _known_text(answered: str) -> str:
    if answered == "no":
        return "not answered yet"
    if answered == "under way":
        return "under way in a batch already"
    return f"answered before: {answered}"
