"""Answerers given from outside: a function in a Python file, or a table of known answers."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import orjson

from goldpan.errors import SourceError, StudyError
from goldpan.files import iter_lines
from goldpan.providers.engine.answerers import Answerer, AnswerOne
from goldpan.providers.engine.completions import completion
from goldpan.providers.engine.refusal import ServiceError


def load_answerer(answers: str) -> Answerer | AnswerOne:
    """An answerer from `FILE.py:function`, or from a JSONL file of known answers.

    Raises:
        StudyError: the file or the function is missing, or cannot be loaded.
        SourceError: a line of the JSONL file is not what `known_answers` reads.
    """
    path, _, function = answers.rpartition(":")
    if path.endswith(".py"):
        return _function(Path(path), function)
    if answers.endswith(".py"):
        raise StudyError(
            "say which function gives the answers", where=answers, remedy="write FILE.py:function"
        )
    return known_answers(Path(answers))


def _function(path: Path, name: str) -> Answerer | AnswerOne:
    spec = importlib.util.spec_from_file_location(f"goldpan_answers_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise StudyError("there is no such Python file", where=str(path))
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise StudyError(f"cannot be loaded: {type(error).__name__}: {error}", where=str(path)) from error
    function = getattr(module, name, None)
    if not callable(function) and not isinstance(function, Answerer):
        raise StudyError(f"has no function `{name}`", where=str(path))
    return function


def known_answers(path: Path) -> AnswerOne:
    """An answerer over a JSONL file; each line has a `custom_id` and one of

    - `answer`: an object for the tool call or JSON content, or a string for the content;
    - `completion`: the whole body of the chat completion.

    A request with another custom_id is refused with 400. All answers are held in memory.

    Raises:
        SourceError: a line has another form (with file and line), or an id comes twice.
    """
    rows: dict[str, dict[str, Any]] = {}
    for number, line in iter_lines(path):
        try:
            row = orjson.loads(line)
            custom_id = row["custom_id"]
            if ("answer" in row) == ("completion" in row):
                raise KeyError("answer")
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise SourceError(
                "not an object with `custom_id` and either `answer` or `completion`",
                where=f"{path}, line {number}",
            ) from None
        if custom_id in rows:
            raise SourceError(f"`{custom_id}` is answered twice", where=f"{path}, line {number}")
        rows[custom_id] = row

    def answer(body: dict[str, Any], custom_id: str) -> dict[str, Any]:
        row = rows.get(custom_id)
        if row is None:
            raise ServiceError(400, f"No answer is known for '{custom_id}'.", code="no_known_answer")
        if "completion" in row:
            return row["completion"]
        return completion(body, row["answer"], custom_id)

    return answer
