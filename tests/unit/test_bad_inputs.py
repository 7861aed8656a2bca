"""docs/bad_input.md, row by row: each bad input comes to what the table says, in the words it says."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import sqlite3
from pathlib import Path

import pyarrow
import pytest
import yaml
import zstandard
from pyarrow import parquet

from goldpan.batches.check import check_stages
from goldpan.batches.completion import read_completion
from goldpan.batches.fetch import fetch_batch
from goldpan.batches.questions import Questioner, Skip
from goldpan.batches.take_in import check_ledger_knows
from goldpan.batches.wait import Waiting, asking, wait_for_batches
from goldpan.errors import GoldpanError, ProviderError
from goldpan.files import LONGEST_LINE
from goldpan.ledger import Asked, Ledger
from goldpan.ledger.database import PAGE_BYTES
from goldpan.providers.base import Batch, batch_from_dict
from goldpan.providers.keys import Keys
from goldpan.records.inputs import source_files
from goldpan.records.read import build_records, iter_records
from goldpan.stages.plan import read_plan
from goldpan.stages.records import gather_records
from goldpan.stages.rows import read_asked, read_features
from goldpan.study.load import find_study, load_project, load_study
from goldpan.study.model import Source
from goldpan.study.stage import Poll, Stage
from goldpan.tasks.answers import AnswerReader
from goldpan.tasks.batch_lines import read_batch_line, row_failure
from goldpan.tasks.prompt_names import check_template_names
from goldpan.tasks.prompts import PromptRenderer
from goldpan.tasks.task import load_task
from goldpan.tasks.where import Where
from tests.pdf_cases import PDF_CASES
from tests.scripted_provider import ScriptedProvider
from tests.simulated_clock import SimulatedClock

TABLE = Path(__file__).resolve().parents[2] / "docs" / "bad_input.md"
ROW = re.compile(r"^\| `(?P<slug>[a-z0-9-]+)` \| .+? \| (?P<outcome>.+?) \| `+ ?(?P<says>.+?) ?`+ \|$", re.M)

STUDY = """\
study: s
sources:
  a: {files: x.jsonl}
providers:
  p: {kind: local}
stages:
  one: {input: {source: a}, task: t, provider: p, model: m}
"""
TASK = {
    "task": "t",
    "description": "What the text says.",
    "prompt": {"user": "t.j2"},
    "features": [
        {"name": "topic", "type": "classification", "description": "Topic.", "labels": ["soil", "water"]},
        {"name": "depth", "type": "score", "description": "Depth.", "min": 0, "max": 3},
        {"name": "praise", "type": "binary", "description": "Praises.", "rationale": True},
        {"name": "blame", "type": "binary", "description": "Blames."},
        {"name": "gist", "type": "text", "description": "Gist.", "bare": True},
    ],
    "exclusive": [{"order": ["blame", "praise"]}],
}
ANSWER = {
    "topic": "soil",
    "depth": 2,
    "praise_detected": True,
    "praise_rationale": "It says so.",
    "blame_detected": False,
    "gist": "Soil is deep.",
}
STAGE = Stage.model_validate({"input": {"source": "a"}, "task": "t", "provider": "p", "model": "m"})
REQUEST = {"custom_id": "req__1"}


class Desk:
    """Hands bad input in where a user or a service would; `come_to` says what came of it."""

    def __init__(self, folder: Path):
        self.folder = folder

    def study(self, right: str = "", wrong: str = "") -> None:
        load_study(self.written("s.yaml", STUDY.replace(right, wrong) if right else wrong))

    def copied_study(self) -> None:
        studies = self.folder / "config" / "studies"
        studies.mkdir(parents=True)
        for name in ("s", "copy"):
            (studies / f"{name}.yaml").write_text(STUDY)
        load_project("s", root=self.folder)
        load_project("copy", root=self.folder)

    def written(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def key_in(self, dotenv: str | bytes) -> None:
        Keys(self.written(".env", dotenv).parent, {}).require("MY_KEY", "the API key")

    def rows(self, name: str, content: str | bytes, **options) -> tuple[str, str]:
        """Read a source file; what came of its last row."""
        source = Source(files=[name], **options)
        path, output = self.written(name, content), self.folder / "records.jsonl"
        counts = build_records(source, "a", name, path, output)
        if not counts.rows:
            return "0 records", counts.note or ""
        last = list(iter_records(output))[-1]
        return ("skipped", last["skip"]) if "skip" in last else ("a record", json.dumps(last["data"]))

    def parquet(self, content: bytes) -> tuple[str, str]:
        return self.rows("in.parquet", content)

    def task(self, prompt: str = "{{ data.text }}", **changes):
        self.written("t.j2", prompt)
        self.written("t.yaml", yaml.safe_dump({**TASK, **changes}, sort_keys=False))
        task = load_task("t", self.folder)
        check_template_names(task)
        return task

    def prompt(self, template: str, **data) -> tuple[str, str]:
        context = {"id": "1", "source": "a", "file": "f", "line": 1, "data": data, "answers": {}}
        return "the prompt", PromptRenderer(self.task(template)).messages(context)[0]["content"]

    def request(self, settings: str = "model: gpt-4.1", **task) -> None:
        """Check a study whose stage asks OpenAI."""
        tasks = self.folder / "config" / "tasks"
        tasks.mkdir(parents=True)
        Desk(tasks).task(**task)
        (self.folder / "config" / "studies").mkdir()
        study = STUDY.replace("model: m", settings).replace("kind: local", "kind: openai")
        self.written("config/studies/s.yaml", study)
        list(check_stages(load_project("s", root=self.folder)))

    def where(self, condition: str) -> None:
        Where.parse(condition, self.task().features)

    def trace(self, segment) -> tuple[str, str]:
        self.task("{{ trace }}", material="trace")
        record = {"id": "1", "source": "a", "file": "f", "line": 1, "data": {"trace_segment": segment}}
        asked = Questioner(STAGE, self.folder, None).ask(record)
        assert isinstance(asked, Skip)
        return "skipped", asked.reason

    def answer(self, *removed: str, **changes) -> tuple[str, str]:
        """An answer by tool call, with some of its fields changed."""
        arguments = {key: value for key, value in (ANSWER | changes).items() if key not in removed}
        return self.call("t", json.dumps(arguments))

    def call(self, function: str, arguments: str) -> tuple[str, str]:
        call = {"id": "c", "type": "function", "function": {"name": function, "arguments": arguments}}
        return self.message(content=None, tool_calls=[call])

    def message(self, finish_reason: str = "stop", **message) -> tuple[str, str]:
        choice = {"message": {"role": "assistant", **message}, "finish_reason": finish_reason}
        return self.body({"choices": [choice]})

    def body(self, body) -> tuple[str, str]:
        reading = AnswerReader(self.task()).read(body)
        said = reading.adjusted if reading.state == "ok" else [reading.reason or ""]
        return reading.state, "; ".join(said or [json.dumps(reading.predictions)])

    def line(self, **row) -> tuple[str, str]:
        return self.raw_line(json.dumps(REQUEST | row).encode())

    def error(self, status: int, body) -> tuple[str, str]:
        """A line about a request that failed."""
        return self.line(response={"status_code": status, "body": body}, error=None)

    def good_line(self, change=lambda line: line, **response) -> tuple[str, str]:
        """A line with a good answer, of which the text or the response was changed."""
        call = {"function": {"name": "t", "arguments": json.dumps(ANSWER)}}
        body = {"choices": [{"message": {"tool_calls": [call]}, "logprobs": "here", "finish_reason": "stop"}]}
        row = {**REQUEST, "response": {"status_code": 200, "body": body, **response}, "error": None}
        return self.raw_line(change(json.dumps(row).encode()))

    def raw_line(self, line: bytes) -> tuple[str, str]:
        row = read_batch_line(line)
        failure = row_failure(row)
        if failure is None:
            state, said = self.body(row.body)
            return state, "; ".join([*row.notes, said])
        state, reason, again = failure
        return f"{state}, {'asked again' if again else 'final'}", reason

    def batch(self, *states: Batch | ProviderError, file: bytes = b"") -> tuple[str, str]:
        """Wait for a batch of ten requests that is described so, and fetch it; returns the first look."""
        clock, looks = SimulatedClock(), []
        provider = ScriptedProvider({"b": states}, {"f": [file]})
        with Ledger(self.folder / "ledger.sqlite", clock=clock) as ledger:
            asked = [Asked(f"req__{number}", number.to_bytes(32, "big"), "t") for number in range(10)]
            number = ledger.record_intent(
                asked, shard="s", provider="p", study="s", stage="one", round=1, task="t", task_hash="h",
                model="m", requests=10, bytes=10,
            ).id  # fmt: skip
            ledger.record_batch(number, "b", None, "validating")
            item = Waiting("0000", "s", ledger.submission(number))
            wait_for_batches(
                ledger, asking(provider), [item], poll=Poll(), wait=True, resubmit=None,
                report=looks.append, clock=clock,
            )  # fmt: skip
            assert item.batch is not None
            fetch_batch(ledger, provider, item.batch, number, self.folder / "raw.jsonl", clock=clock)
        return "open" if looks[0].terminal == 0 else "done", looks[0].line()


def two_files_with_one_id(at: Desk) -> None:
    outputs = []
    for name in ("one.jsonl", "two.jsonl"):
        path, output = at.written(name, '{"id": 7}\n'), at.folder / f"{name}.records"
        build_records(Source(files=[name], id=["id"]), "a", name, path, output)
        outputs.append(output)
    gather_records(outputs, at.folder / "stage.jsonl")


def ledger_of(at: Desk, content: bytes) -> None:
    with Ledger(at.written("ledger.sqlite", content)) as ledger:
        ledger.submissions()


def database_of_something_else(at: Desk) -> None:
    with contextlib.closing(sqlite3.connect(at.folder / "ledger.sqlite")) as other:
        other.execute("CREATE TABLE customers (id INTEGER)")
    ledger_of(at, (at.folder / "ledger.sqlite").read_bytes())


def damaged_ledger(at: Desk) -> None:
    Ledger(at.folder / "ledger.sqlite").close()
    content = (at.folder / "ledger.sqlite").read_bytes()
    ledger_of(at, content[:PAGE_BYTES] + bytes(len(content) - PAGE_BYTES))


def ledger_deleted_in_use(at: Desk) -> None:
    with Ledger(at.folder / "ledger.sqlite") as ledger:
        ledger.path.unlink()
        ledger.forgive([])


def ledger_without_a_folder(at: Desk) -> None:
    at.written("file", "")
    Ledger(at.folder / "file" / "ledger.sqlite")


def older_ledger(at: Desk) -> None:
    batches = at.folder / "results" / "s" / "stages" / "one" / "round1" / "batches"
    batches.mkdir(parents=True)
    (batches / "0000.json").write_text('{"batch_id": "batch_1"}')
    at.written("s.yaml", STUDY.replace("kind: local", "kind: openai"))
    project = load_project(str(at.folder / "s.yaml"), root=at.folder)
    with Ledger(at.folder / "ledger.sqlite") as ledger:
        check_ledger_knows(ledger, project, "one")


def whole_parquet(at: Desk) -> bytes:
    parquet.write_table(pyarrow.table({"a": [1, 2]}), at.folder / "whole.parquet")
    return (at.folder / "whole.parquet").read_bytes()


def errored(kind: str, message: str) -> dict:
    """A result as Anthropic's batches have it."""
    return {"type": "errored", "error": {"type": "error", "error": {"type": kind, "message": message}}}


GOOD_CALL = {"function": {"name": "t", "arguments": json.dumps(ANSWER)}}
EMPTY_CALL = {"function": {"name": "t", "arguments": "{}"}}
GOOD_CHOICE = {"message": {"tool_calls": [GOOD_CALL]}, "finish_reason": "stop"}


def labelled(labels) -> dict:
    return {"name": "topic", "type": "classification", "description": "Topic.", "labels": list(labels)}


DEEP = '{"a":' + "[" * 400 + "]" * 400 + "}\n"
DEEP_AND_LONG = '{"n":1234567890123456789,"a":' + "[" * 1_010 + "]" * 1_010 + "}\n"
MANY = b"".join(b'{"a": %d}\n' % number for number in range(1_000))
SECRET = "sk-proj-123"

CASES = {
    "study-not-yaml": lambda at: at.study(wrong="study: [s\nsources: {}\n"),
    "study-not-a-mapping": lambda at: at.study(wrong="- study\n"),
    "study-key-twice": lambda at: at.study("study: s", "study: s\nstudy: t"),
    "study-aliases-explode": lambda at: at.study(
        wrong="a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    ),
    "study-number-misread": lambda at: at.study("model: m", "model: m, samples: 010"),
    "study-number-too-long": lambda at: at.study("model: m", f"model: m, samples: {'9' * 5_000}"),
    "study-nested-deeply": lambda at: at.study(wrong="study: " + "[" * 3_000),
    "study-tag": lambda at: at.study("study: s", "study: !!python/name:os.system"),
    "study-key-no-text": lambda at: at.study("task: t", "task: t, no: 1"),
    "study-unknown-key": lambda at: at.study("task: t", "task: t, bugdet_usd: 5"),
    "study-key-missing": lambda at: at.study("files: x.jsonl", ""),
    "study-wrong-type": lambda at: at.study("model: m", "model: m, budget_usd: much"),
    "study-budget-empty": lambda at: at.study("model: m", "model: m, budget_usd: "),
    "study-budget-infinite": lambda at: at.study("model: m", "model: m, budget_usd: 1.0e400"),
    "study-budget-truth": lambda at: at.study("model: m", "model: m, budget_usd: true"),
    "study-price-negative": lambda at: at.study("model: m", "model: m, price_usd_per_million: [-1, 2]"),
    "study-namesake": lambda at: at.copied_study(),
    "study-name-of-no-file": lambda at: at.study("study: s", "study: ../s"),
    "study-unknown-provider": lambda at: at.study("provider: p", "provider: q"),
    "study-where-without-stage": lambda at: at.study("source: a", "source: a, where: x == 1"),
    "study-secret": lambda at: at.study("kind: local", f"kind: openai, api_key_env: {SECRET}"),
    "study-reserved-parameter": lambda at: at.study("model: m", "model: m, params: {stream: true}"),
    "study-unknown": lambda at: find_study("nope", at.folder),
    "key-missing": lambda at: Keys(at.folder, {}).require("MY_KEY", "the API key"),
    "dotenv-line": lambda at: at.key_in("A=1\nsk-secret\n"),
    "dotenv-encoding": lambda at: at.key_in(b"MY_KEY=\xff\n"),
    "files-none": lambda at: source_files(Source(files="in/*.csv"), at.folder),
    "files-format": lambda at: at.rows("in.txt", "a"),
    "files-long-line": lambda at: at.rows("in.jsonl.gz", gzip.compress(bytes(LONGEST_LINE + 1), 1)),
    "files-empty": lambda at: at.rows("in.jsonl", ""),
    "files-gzip-cut": lambda at: at.rows("in.jsonl.gz", gzip.compress(MANY)[:-9]),
    "files-zstd-cut": lambda at: at.rows("in.jsonl.zst", zstandard.compress(MANY)[:-1]),
    "files-parquet-cut": lambda at: at.parquet(whole_parquet(at)[:-9]),
    "json-cut": lambda at: at.rows("in.jsonl", '{"a": 1}\n{"a": '),
    "json-nan": lambda at: at.rows("in.jsonl", '{"a": NaN}\n'),
    "json-long-integer": lambda at: at.rows("in.jsonl", '{"id": 123456789012345678901234}\n'),
    "json-deep": lambda at: at.rows("in.jsonl", DEEP),
    "json-deep-and-long": lambda at: at.rows("in.jsonl", DEEP_AND_LONG),
    "json-not-an-object": lambda at: at.rows("in.jsonl", "[1]\n"),
    "json-document": lambda at: at.rows("in.jsonl", '[\n{"a": 1}\n]\n'),
    "json-not-utf8": lambda at: at.rows("in.jsonl", b'{"a": "caf\xe9"}\n'),
    "row-field-missing": lambda at: at.rows("in.jsonl", '{"txt": "a"}\n', fields={"text": "string"}),
    "row-wrong-type": lambda at: at.rows("in.jsonl", '{"n": true}\n', fields={"n": "integer"}),
    "row-no-id": lambda at: at.rows("in.jsonl", '{"id": null}\n', id=["id"]),
    "row-id-twice": lambda at: at.rows("in.jsonl", '{"id": 7}\n{"id": 7}\n', id=["id"]),
    "row-content-twice": lambda at: at.rows("in.csv", "a,b\n1,2\n1,2\n"),
    "row-id-in-two-files": two_files_with_one_id,
    "row-skipped": lambda at: at.rows("in.jsonl", "{bad\n", on_error="skip"),
    "csv-cells": lambda at: at.rows("in.csv", "a,b\n1,2,3\n"),
    "csv-nul": lambda at: at.rows("in.csv", "a,b\n1,x\0y\n"),
    "csv-encoding": lambda at: at.rows("in.csv", "a,b\n1,café\n".encode("cp1252")),
    "csv-utf16": lambda at: at.rows("in.csv", "a,b\n1,2\n".encode("utf-16")),
    "csv-column-twice": lambda at: at.rows("in.csv", "a,b,a\n1,2,3\n"),
    "csv-open-quote": lambda at: at.rows("in.csv", 'a,b\n1,2\n3,"4\n5,6\n'),
    "csv-no-column": lambda at: at.rows("in.csv", "a,b\n1,2\n", fields={"text": "string"}, on_error="skip"),
    "csv-not-a-number": lambda at: at.rows("in.csv", "n\nn/a\n", fields={"n": "integer"}),
    "trace-none": lambda at: at.trace(None),
    "trace-empty": lambda at: at.trace({"trace": []}),
    "trace-no-user": lambda at: at.trace({"trace": [{"role": "assistant", "content": "Hello."}]}),
    "task-missing": lambda at: load_task("nope", at.folder),
    "task-unknown-type": lambda at: at.task(features=[{"name": "a", "type": "yesno", "description": "A."}]),
    "task-name-twice": lambda at: at.task(features=[*TASK["features"], TASK["features"][1]]),
    "task-exclusive-unknown": lambda at: at.task(exclusive=[{"order": ["blame", "anger"]}]),
    "task-label-no-text": lambda at: at.task(
        features=[{"name": "a", "type": "classification", "description": "A.", "labels": [False, True]}]
    ),
    "prompt-unknown-name": lambda at: at.task("{{ text }}"),
    "prompt-syntax": lambda at: at.prompt("{% if %}"),
    "prompt-field-missing": lambda at: at.prompt("{{ data.text }}", txt="a"),
    "prompt-escape": lambda at: at.prompt("{{ ''.__class__.__mro__ }}"),
    "prompt-in-the-data": lambda at: at.prompt("{{ data.text }}", text="{{ 7 * 7 }} {% raw %}"),
    "prompt-empty": lambda at: at.prompt("{{ data.text }}", text=" "),
    "request-no-temperature": lambda at: at.request("model: gpt-5-mini, params: {temperature: 0}"),
    "request-max-tokens": lambda at: at.request("model: gpt-5-mini, params: {max_tokens: 9000}"),
    "request-unknown-parameter": lambda at: at.request("model: gpt-4.1, params: {tempratur: 0}"),
    "request-two-parameters": lambda at: at.request("model: o4-mini, params: {temperature: 0, stop: x}"),
    "request-no-place-there": lambda at: at.request("model: gpt-5-pro, params: {seed: 1}"),
    "request-embedding-model": lambda at: at.request("model: text-embedding-3-small"),
    "request-no-batches": lambda at: at.request("model: gpt-5.1-codex"),
    "request-too-long-an-answer": lambda at: at.request("model: gpt-4o, params: {max_tokens: 99999}"),
    "request-long-description": lambda at: at.request(description="What it says. " * 99),
    "request-label-of-two-lines": lambda at: at.request(
        features=[labelled(["soil", "wa\nter"])], exclusive=[]
    ),
    "request-many-labels": lambda at: at.request(features=[labelled(map(str, range(1001)))], exclusive=[]),
    "where-unknown-name": lambda at: at.where("depht == 1"),
    "where-never-true": lambda at: at.where("topic == 'sol'"),
    "where-out-of-range": lambda at: at.where("depth == 7"),
    "where-code": lambda at: at.where("__import__('os').system('true')"),
    "answer-fence": lambda at: at.call("t", f"```json\n{json.dumps(ANSWER)}\n```"),
    "answer-without-call": lambda at: at.message(content=json.dumps(ANSWER)),
    "answer-json-in-text": lambda at: at.call("t", json.dumps(json.dumps(ANSWER))),
    "answer-half-character": lambda at: at.answer(praise_rationale="cut \ud83d"),
    "answer-line-break": lambda at: at.call("t", json.dumps(ANSWER).replace("says", "says\n")),
    "answer-same-call-twice": lambda at: at.message(content=None, tool_calls=[GOOD_CALL, GOOD_CALL]),
    "answer-two-calls": lambda at: at.message(content=None, tool_calls=[GOOD_CALL, EMPTY_CALL]),
    "answer-several-choices": lambda at: at.body({"choices": [GOOD_CHOICE, GOOD_CHOICE]}),
    "answer-trailing-comma": lambda at: at.call("t", json.dumps(ANSWER)[:-1] + ",}"),
    "answer-words-after": lambda at: at.call("t", json.dumps(ANSWER) + " That is all."),
    "answer-deep": lambda at: at.call("t", '{"topic": ' + "[" * 2_000 + "]" * 2_000 + "}"),
    "answer-no-call": lambda at: at.message(content="I think it is soil."),
    "answer-other-function": lambda at: at.call("delete_all", "{}"),
    "answer-not-json": lambda at: at.call("t", '{"topic": "soil"'),
    "answer-nan": lambda at: at.call("t", json.dumps(ANSWER | {"depth": float("nan")})),
    "answer-field-missing": lambda at: at.answer("gist"),
    "answer-unknown-label": lambda at: at.answer(topic="sky"),
    "answer-out-of-bounds": lambda at: at.answer(depth=4),
    "answer-not-whole": lambda at: at.answer(depth=1.5),
    "answer-boolean-score": lambda at: at.answer(depth=True),
    "answer-text-boolean": lambda at: at.answer(blame_detected="no"),
    "answer-null": lambda at: at.answer(topic=None),
    "answer-both-of-a-pair": lambda at: at.answer(blame_detected=True),
    "answer-more-than-asked": lambda at: at.answer(note="x"),
    "answer-hostile-text": lambda at: at.answer(gist="<script>alert(1)</script>"),
    "answer-cut-off": lambda at: at.message("length", content="The"),
    "answer-cut-off-elsewhere": lambda at: at.message("MAX_TOKENS", content=None),
    "answer-refused": lambda at: at.message(content=None, refusal="I cannot help with that."),
    "answer-filtered": lambda at: at.message("content_filter", content=None),
    "answer-safety": lambda at: at.message("SAFETY", content=None),
    "answer-broken-off": lambda at: at.message("network_error", content=""),
    "answer-error-on-choice": lambda at: at.body(
        {"choices": [{"error": {"code": 502, "message": "Upstream lost"}}]}
    ),
    "answer-malformed-call": lambda at: at.message("MALFORMED_FUNCTION_CALL", content=None),
    "answer-no-message": lambda at: at.body({"choices": []}),
    "line-nan": lambda at: at.good_line(lambda line: line.replace(b'"here"', b"[NaN, -Infinity]")),
    "line-half-character": lambda at: at.good_line(lambda line: line.replace(b"here", b"here \\ud83d")),
    "line-not-utf8": lambda at: at.good_line(lambda line: line.replace(b"here", b"caf\xe9")),
    "line-bom": lambda at: at.good_line(lambda line: b"\xef\xbb\xbf" + line),
    "line-body-as-text": lambda at: at.good_line(body=json.dumps({"choices": [GOOD_CHOICE]})),
    "line-status-as-text": lambda at: at.good_line(status_code="200"),
    "line-empty-error": lambda at: at.line(
        response={"status_code": 200, "body": {"choices": [GOOD_CHOICE]}}, error={"code": None, "message": ""}
    ),
    "line-not-json": lambda at: at.raw_line(b'{"custom_id": "req__1", "respo'),
    "line-deep": lambda at: at.raw_line(
        b'{"custom_id": "req__1", "a": ' + b"[" * 2_000 + b"]" * 2_000 + b"}"
    ),
    "line-not-json-no-id": lambda at: read_batch_line(b'{"id": "batch_req_1", "cust'),
    "line-no-id": lambda at: read_batch_line(b'{"response": {"status_code": 200}}'),
    "line-rejected": lambda at: at.line(
        error=None,
        response={"status_code": 400, "body": {"error": {"code": "invalid_value", "message": "Bad role."}}},
    ),
    "line-busy": lambda at: at.line(
        response={"status_code": 429, "body": {"error": {"code": "rate_limit_exceeded", "message": "Slow."}}}
    ),
    "line-parameter": lambda at: at.error(
        400, {"error": {"code": "unsupported", "param": "top_p", "message": "Not supported."}}
    ),
    "line-html": lambda at: at.error(502, "<html><h1>Bad gateway</h1></html>"),
    "line-error-list": lambda at: at.error(400, [{"error": {"code": 400, "message": "No such field."}}]),
    "line-error-text": lambda at: at.error(
        503, {"error": {"message": json.dumps({"error": {"code": "overloaded", "message": "Try later."}})}}
    ),
    "line-validation": lambda at: at.error(
        422, {"detail": [{"type": "missing", "loc": ["body", "model"], "msg": "Field required"}]}
    ),
    "line-behind-gateway": lambda at: at.error(
        502,
        {
            "error": {
                "code": 502,
                "message": "Provider returned error",
                "metadata": {"raw": '{"error": {"message": "Out of memory."}}'},
            }
        },
    ),
    "line-filter-wrapped": lambda at: at.error(
        400,
        {
            "error": {
                "message": "ContentPolicyViolationError",
                "code": "400",
                "provider_specific_fields": {"innererror": {"code": "ResponsibleAIPolicyViolation"}},
            }
        },
    ),
    "line-anthropic": lambda at: at.line(result=errored("overloaded_error", "Overloaded")),
    "line-anthropic-final": lambda at: at.line(result=errored("invalid_request_error", "Too long.")),
    "line-status-zero": lambda at: at.error(0, {}),
    "line-expired": lambda at: at.line(
        response=None, error={"code": "batch_expired", "message": "Not executed in time."}
    ),
    "line-nothing": lambda at: at.line(response=None, error=None),
    "ledger-not-a-database": lambda at: ledger_of(at, b"not a database, but long enough\n" * 40),
    "ledger-of-something-else": database_of_something_else,
    "ledger-damaged": damaged_ledger,
    "ledger-deleted": ledger_deleted_in_use,
    "ledger-no-folder": ledger_without_a_folder,
    "ledger-older": older_ledger,
    "batch-no-id": lambda at: batch_from_dict({"object": "batch", "status": "completed"}),
    "batch-unknown-status": lambda at: at.batch(Batch("b", "paused"), Batch("b", "expired")),
    "batch-forgotten": lambda at: at.batch(ProviderError("No such batch.", status=404)),
    "batch-no-file": lambda at: at.batch(Batch("b", "completed", total=10, completed=10)),
    "batch-foreign-file": lambda at: at.batch(
        Batch("b", "completed", output_file_id="f"), file=b'{"custom_id": "req__x"}\n'
    ),
    "completion-key-missing": lambda at: read_completion(
        at.written("c", '{"batches": [{"shard": "0"}]}'), "s", 1
    ),
    "plan-newer": lambda at: read_plan(at.written("plan.json", '{"format": 2}'), "s", 1),
    "plan-no-object": lambda at: read_plan(at.written("plan.json", "[1]"), "s", 1),
    "asked-row-cut": lambda at: list(read_asked(at.written("asked.jsonl", '{"id": "a"'))),
    "features-row-lacks": lambda at: list(
        read_features(at.written("f.jsonl", '{"id": "a", "source": "s", "file": "f", "features": {}}'))
    ),
    **PDF_CASES,
}

TOLD = {row["slug"]: (row["outcome"], row["says"]) for row in ROW.finditer(TABLE.read_text())}


def come_to(at: Desk, case) -> tuple[str, str]:
    """What a bad input came to: the class of an error or a state, and what was said."""
    try:
        result = case(at)
    except GoldpanError as error:
        return type(error).__name__, str(error)
    assert isinstance(result, tuple), "nothing was noticed"
    return result


@pytest.mark.parametrize("slug", CASES)
def test_bad_input_comes_to_what_the_table_says(tmp_path, slug):
    outcome, says = come_to(Desk(tmp_path), CASES[slug])
    told_outcome, told_words = TOLD[slug]
    assert outcome == told_outcome
    assert told_words in says


def test_the_table_has_a_row_for_each_case_and_no_other():
    assert sorted(TOLD) == sorted(CASES)


def test_a_secret_in_a_study_is_not_repeated(tmp_path):
    _, says = come_to(Desk(tmp_path), CASES["study-secret"])
    assert SECRET not in says
