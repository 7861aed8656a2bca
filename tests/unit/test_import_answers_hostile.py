"""Files of answers that hold something else, are damaged, or were made to mislead: each line has a fate,
nothing is joined to another row, and nothing of them reaches the terminal as it is."""

import gzip
import os

import orjson
import pytest

from goldpan.errors import SourceError
from goldpan.ledger import Ledger
from tests.answers_elsewhere import (
    answer_line,
    completion,
    fates_of,
    gemini_request,
    label_of,
    openai_line,
    request_line,
    stage_asked_elsewhere,
    take_answers,
)
from tests.foreign_services import USED, anthropic_error, message
from tests.projects import note_rows
from tests.stage_builders import at, make_stage

GOOD = orjson.dumps(openai_line("row-n0", completion(label_of(0))))
ANSWER = orjson.dumps(completion(label_of(0)))


def changed(**changes):
    return orjson.dumps({**openai_line("row-n0", completion(label_of(0))), **changes})


def answered(status, body):
    return changed(response={"status_code": status, "body": body})


def body_changed(**changes):
    return orjson.dumps(openai_line("row-n0", {**completion(label_of(0)), **changes}))


def body_with(value):
    """A body with a value as it is, for what no writer of JSON writes."""
    return body_changed(more=None).replace(b'"more":null', b'"more":' + value)


def choice_changed(**changes):
    body = completion(label_of(0))
    body["choices"][0].update(changes)
    return orjson.dumps(openai_line("row-n0", body))


def called(*calls):
    functions = [
        {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}
        for name, arguments in calls
    ]
    return choice_changed(message={"role": "assistant", "content": None, "tool_calls": functions})


FILES = {
    "empty": (b"", {}),
    "blank-lines": (b"\n\r\n  \n", {}),
    "bom-and-crlf": (b"\xef\xbb\xbf" + GOOD + b"\r\n", {"ok": 1}),
    "gzip-under-another-name": (gzip.compress(GOOD), {"ok": 1}),
    "csv": (b"custom_id,topic\nrow-n0,animals\n", {"unreadable": 2}),
    "a-list-of-lines": (b"[" + GOOD + b"]", {"unreadable": 1}),
    "pretty-printed": (orjson.dumps(orjson.loads(GOOD), option=orjson.OPT_INDENT_2), None),
    "two-objects-on-a-line": (GOOD + b" " + GOOD, {"unreadable": 1}),
    "cut-short": (GOOD + b"\n" + GOOD.replace(b"n0", b"n1")[:200], {"ok": 1, "unreadable": 1}),
    "utf-16": (GOOD.decode().encode("utf-16"), {"unreadable": 1}),
    "zeros": (b"\0" * 4096 + b"\n" + GOOD, {"unreadable": 1, "ok": 1}),
    "deep-brackets": (b'{"custom_id":"row-n0","x":' + b"[" * 100_000, {"unreadable": 1}),
    "deep-body": (body_with(b"[" * 400 + b"]" * 400), None),
    "a-line-without-end": (gzip.compress(b"x" * (65 << 20), 1), {"unreadable": 1}),
    "custom-id-twice": (
        GOOD.replace(b'"custom_id":"row-n0"', b'"custom_id":"row-n0","custom_id":"row-n1"'),
        {"unreadable": 1},
    ),
    "custom-id-null": (changed(custom_id=None), {"no_key": 1}),
    "custom-id-list": (changed(custom_id=["row-n0"]), {"no_key": 1}),
    "custom-id-true": (changed(custom_id=True), {"no_key": 1}),
    "custom-id-empty": (changed(custom_id=""), {"no_key": 1}),
    "custom-id-other-case": (changed(custom_id="ROW-N0"), {"no_record": 1}),
    "custom-id-with-space": (changed(custom_id=" row-n0"), {"no_record": 1}),
    "custom-id-with-nul": (changed(custom_id="row-n0\0"), {"no_record": 1}),
    "custom-id-that-is-sql": (changed(custom_id="row-n0' OR '1'='1"), {"no_record": 1}),
    "custom-id-for-a-terminal": (changed(custom_id="row-\x1b[2J\x1b[31mn0"), {"no_record": 1}),
    "custom-id-of-half-a-character": (changed().replace(b"row-n0", rb"row-\ud83d"), {"no_record": 1}),
    "model-for-a-terminal": (body_changed(model="\x1b[2Jgpt\nroot"), {"other_model": 1}),
    "model-is-a-list": (body_changed(model=["gpt-4o-mini"]), {"other_model": 1}),
    "not-a-number": (
        body_with(b"NaN"),
        {"ok": 1},
    ),
    "huge-numbers": (
        body_with(b"1e400"),
        {"ok": 1},
    ),
    "tokens-below-zero": (body_changed(usage={"prompt_tokens": -5, "completion_tokens": "x"}), {"ok": 1}),
    "latin-1": (GOOD.replace(b"tells", b"t\xe9lls"), {"ok": 1}),
    "half-a-character": (GOOD.replace(b"It tells", rb"\\ud83d tells"), {"ok": 1}),
    "body-as-text": (answered(200, ANSWER.decode()), {"ok": 1}),
    "body-as-text-that-is-cut": (answered(200, ANSWER.decode()[:-9]), {"no_answer": 1}),
    "body-is-a-page": (answered(502, "<html>Bad gateway</html>"), {"no_answer": 1}),
    "body-is-null": (changed(response={"status_code": 200, "body": None}), {"no_answer": 1}),
    "response-is-text": (changed(response="yes"), {"unreadable": 1}),
    "error-in-a-good-answer": (
        changed(response={"status_code": 200, "body": {"error": {"message": "no", "code": "server_error"}}}),
        {"no_answer": 1},
    ),
    "no-choices": (body_changed(choices=[]), {"invalid": 1}),
    "choices-are-numbers": (body_changed(choices=[7]), {"invalid": 1}),
    "another-function": (called(("delete_all", "{}")), {"invalid": 1}),
    "two-calls-that-differ": (
        called(
            ("topic", orjson.dumps(label_of(0)).decode()),
            ("topic", orjson.dumps(label_of(0, length=5)).decode()),
        ),
        {"invalid": 1},
    ),
    "arguments-with-a-key-twice": (called(("topic", '{"topic":"animals","topic":"x"}')), {"invalid": 1}),
    "a-value-out-of-range": (
        orjson.dumps(openai_line("row-n0", completion(label_of(0, length=99)))),
        {"invalid": 1},
    ),
    "a-request-file": (orjson.dumps(request_line("openai", "row-n0", 0)), {"unreadable": 1}),
    "a-request-file-of-anthropic": (orjson.dumps(request_line("anthropic", "row-n0", 0)), {"unreadable": 1}),
    "a-request-file-of-gemini": (orjson.dumps(request_line("gemini", "row-n0", 0)), {"unreadable": 1}),
    "training-data": (orjson.dumps({"messages": [{"role": "user", "content": "x"}]}), {"unreadable": 1}),
    "rows-of-features": (
        orjson.dumps({"id": "n0", "custom_id": "row-n0", "state": "ok", "features": {}}),
        {"unreadable": 1},
    ),
    "a-ledger-export": (b'{"format":"goldpan-ledger/1"}\n{"submission":{"id":1}}', {"unreadable": 2}),
    "embeddings": (
        orjson.dumps(openai_line("row-n0", {"object": "list", "data": [], "model": "gpt-4o-mini"})),
        {"invalid": 1},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A stage to whose ledger nothing is added, as all imports are tried only."""
    return stage_asked_elsewhere(tmp_path_factory.mktemp("hostile") / "p")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name == "a-line-without-end" else name for name in FILES],
)
def test_each_line_has_a_fate(run, tmp_path, name):
    content, expected = FILES[name]
    path = tmp_path / "out.jsonl"
    path.write_bytes(content)
    done = take_answers(run, [path], dry_run=True, report_file=tmp_path / "report.csv")
    if expected is None:
        assert set(fates_of(done)) == {"unreadable"}
    else:
        assert fates_of(done) == expected
    assert done.lines == sum(done.fates.values())


def test_nothing_of_a_file_is_obeyed_by_the_terminal(run, tmp_path, capsys):
    from goldpan.cli import main

    path = tmp_path / "out.jsonl"
    path.write_bytes(FILES["custom-id-for-a-terminal"][0] + b"\n" + FILES["model-for-a-terminal"][0])
    options = ["--stage", "topics", "--key", "custom_id", "--custom-id", "row-{data.id}", "--dry-run"]
    root = ["--root", str(run.project.root), "--study", "notes"]
    assert main(["import", "answers", str(path), *options, *root]) == 1
    printed = capsys.readouterr().out
    assert "\x1b" not in printed and "\nroot" not in printed


def succeeded(said):
    return {"custom_id": "row-n0", "result": {"type": "succeeded", "message": said}}


@pytest.mark.parametrize(
    ("line", "fate"),
    [
        ({"custom_id": "row-n0", "result": {"type": "expired"}}, "no_answer"),
        ({"custom_id": "row-n0", "result": {"type": "canceled"}}, "no_answer"),
        ({"custom_id": "row-n0", "result": {"type": "errored", "error": anthropic_error(400)}}, "no_answer"),
        ({"custom_id": "row-n0", "result": {"type": "succeeded"}}, "no_answer"),
        (succeeded({"type": "message"}), "invalid"),
        (succeeded(message([], "refusal", "m")), "refused"),
        (succeeded(message([], "max_tokens", "m")), "truncated"),
    ],
)  # fmt: skip
def test_results_of_anthropic_that_are_no_answers(run, tmp_path, line, fate):
    assert fates_of(tried(run, tmp_path, line)) == {fate: 1}


def tried(run, folder, line, **options):
    path = folder / "out.jsonl"
    path.write_bytes(orjson.dumps(line))
    return take_answers(run, [path], dry_run=True, other_model=True, **options)


def gemini(**candidate):
    return {"key": "row-n0", "response": {"candidates": [candidate], "usageMetadata": {}}}


@pytest.mark.parametrize(
    ("line", "fate"),
    [
        ({"key": "row-n0", "error": {"code": 503, "message": "full", "status": "UNAVAILABLE"}}, "no_answer"),
        ({"key": "row-n0", "response": {"promptFeedback": {"blockReason": "SAFETY"}}}, "refused"),
        ({"key": "row-n0", "response": {"usageMetadata": {"promptTokenCount": 3}}}, "invalid"),
        (gemini(finishReason="SAFETY"), "refused"),
        (gemini(finishReason="MAX_TOKENS", content={"parts": [{"text": "{"}]}), "truncated"),
        (gemini(finishReason="MALFORMED_FUNCTION_CALL"), "invalid"),
        (gemini(finishReason="STOP"), "invalid"),
        (gemini(finishReason="STOP", content={"role": "model"}), "invalid"),
        (gemini(finishReason="STOP", content={"parts": [{"functionCall": {"name": "x"}}]}), "invalid"),
        (
            gemini(
                finishReason="STOP",
                content={
                    "parts": [
                        {"text": "Let me think {", "thought": True},
                        {"text": orjson.dumps(label_of(0)).decode()},
                    ]
                },
            ),
            "ok",
        ),
        (
            {
                "status": 'Bad Request: {"error": {"code": 400, "message": "Please use a valid role",'
                ' "status": "INVALID_ARGUMENT"}}',
                "processed_time": "2025-07-09T19:57:43.558+00:00",
                "request": {**gemini_request(0), "labels": {"row": "row-n0"}},
            },
            "no_answer",
        ),
    ],
)  # fmt: skip
def test_rows_of_google_that_are_no_plain_answers(run, tmp_path, line, fate):
    key = "request.labels.row" if "request" in line else "custom_id"
    assert fates_of(tried(run, tmp_path, line, key=key)) == {fate: 1}


def test_the_reason_of_a_row_that_vertex_refused_is_told(run, tmp_path):
    line = answer_line("vertex", "row-n0", label_of(0))
    line["status"] = 'Bad Request: {"error": {"code": 400, "message": "Please use a valid role"}}'
    done = tried(run, tmp_path, line, key="request.labels.row")
    assert "failed: 400: Please use a valid role" in "\n".join(done.words())


def test_what_a_file_says_of_tokens_costs_nothing(tmp_path):
    own = stage_asked_elsewhere(tmp_path / "p", "anthropic", rows=1)
    path = tmp_path / "out.jsonl"
    path.write_bytes(orjson.dumps(answer_line("anthropic", "row-n0", label_of(0))))
    take_answers(own, [path])
    with Ledger(own.project.ledger) as ledger:
        (submission,) = ledger.submissions()
        ((_, answer),) = ledger.all_answers()
    for kept in (submission, answer):
        assert (kept.prompt_tokens, kept.completion_tokens, kept.cached_tokens, kept.paid) == (0, 0, 0, 0)
    assert str(USED["cached"]).encode() in answer.line
    assert at(own, own.paths.base).exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.compress(GOOD * 1000)[:-20], "cut short|damaged|ended"),
        (gzip.compress(GOOD)[:10] + b"\xff" * 50, "damaged|not"),
        (b"\x28\xb5\x2f\xfd" + b"rubbish" * 20, "damaged|not"),
    ],
    ids=["gzip-cut", "gzip-damaged", "zstd-damaged"],
)
def test_a_file_that_cannot_be_read_to_its_end_enters_nothing(tmp_path, content, says):
    own = stage_asked_elsewhere(tmp_path / "p", rows=1)
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_bytes(GOOD)
    bad.write_bytes(content)
    with pytest.raises(SourceError, match=says):
        take_answers(own, [good, bad])
    with Ledger(own.project.ledger) as ledger:
        assert not ledger.counts()


def test_files_that_are_none_are_named(run, tmp_path):
    for path, says in ((tmp_path, "is a folder"), (tmp_path / "gone.jsonl", "no such file")):
        with pytest.raises(SourceError, match=says):
            take_answers(run, [path])
    latin = tmp_path / os.fsdecode(b"r\xe9sults.jsonl")
    latin.write_bytes(GOOD)
    with pytest.raises(SourceError, match="UTF-8"):
        take_answers(run, [latin])


def test_a_request_file_that_says_two_things_of_one_id_is_not_believed(run, tmp_path):
    answers, requests = tmp_path / "out.jsonl", tmp_path / "in.jsonl"
    answers.write_bytes(GOOD)
    asked = [request_line("openai", "row-n0", at) for at in range(2)]
    requests.write_bytes(b"\n".join(map(orjson.dumps, asked)) + b"\n{broken\n[]\n" + GOOD)
    done = take_answers(run, [answers], requests=[requests], dry_run=True)
    assert (fates_of(done), done.unreadable_requests) == ({"other_prompt": 1}, 3)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:"}},
        {"type": "text", "text": " and more"},
        {"unknown": 1},
    ],
)
def test_a_request_with_more_than_the_text_of_the_stage_is_another(run, tmp_path, part):
    answers, requests = tmp_path / "out.jsonl", tmp_path / "in.jsonl"
    answers.write_bytes(GOOD)
    asked = request_line("openai", "row-n0", 0)
    user = asked["body"]["messages"][1]
    user["content"] = [{"type": "text", "text": user["content"]}]
    requests.write_bytes(orjson.dumps(asked))
    assert fates_of(take_answers(run, [answers], requests=[requests], dry_run=True)) == {"ok": 1}
    user["content"].append(part)
    requests.write_bytes(orjson.dumps(asked))
    assert fates_of(take_answers(run, [answers], requests=[requests], dry_run=True)) == {"other_prompt": 1}


@pytest.mark.parametrize(
    ("variable", "settings"),
    [
        ("S15_KEY", {"kind": "openai", "api_key_env": "S15_KEY"}),
        ("ANTHROPIC_API_KEY", {"kind": "openai"}),
    ],
    ids=["of-the-study", "of-another-service"],
)
def test_a_key_that_a_line_echoes_is_nowhere(tmp_path, monkeypatch, capsys, variable, settings):
    from goldpan.cli import main

    key = "sk-secret/KEY-0123456789abcdef"
    monkeypatch.setenv(variable, key)
    own = make_stage(tmp_path / "p", note_rows(5), settings, model="gpt-4o-mini")
    lines = [openai_line(f"row-n{at}", completion(label_of(at))) for at in range(4)]
    lines[0]["response"]["body"]["note"] = f"Bearer {key}"
    lines[1] = openai_line("row-n1", completion(label_of(1, topic=key)))
    lines[2]["error"] = {"message": f"boom {key}"}
    lines[3] = openai_line(f"row-{key}", completion(label_of(3), key))
    asked = [request_line("openai", f"row-n{at}", at) for at in range(2)]
    asked.append(request_line("openai", "row-n4", 4, system=f"It is {key}"))
    answers, requests = tmp_path / "out.jsonl", tmp_path / "in.jsonl"
    echoed = orjson.dumps(openai_line("row-n4", completion(label_of(4, topic_rationale=key))))
    escaped = echoed.replace(b"secret/", b"\\u0073ecret\\/")
    answers.write_bytes(b"\n".join([*map(orjson.dumps, lines), escaped]))
    requests.write_bytes(b"\n".join(map(orjson.dumps, asked)))
    options = ["--stage", "topics", "--key", "custom_id", "--custom-id", "row-{data.id}", "--prompt-unknown"]
    options += ["--requests", str(requests), "--report", str(tmp_path / "report.csv")]
    main(["import", "answers", str(answers), *options, "--root", str(own.project.root), "--study", "notes"])
    with Ledger(own.project.ledger) as ledger:
        stored = [(answer.line, answer.reason) for _, answer in ledger.all_answers()]
        kept = repr((stored, ledger.submissions()))
    assert len(stored) == 2
    for said in (capsys.readouterr().out, (tmp_path / "report.csv").read_text(), kept):
        assert "[key]" in said and "0123456789abcdef" not in said
