#!/usr/bin/env python3
"""A stand-in for `vllm run-batch` that takes its options and writes files as it does; no GPU, no model.

It reads the options of vllm/entrypoints/openai/run_batch.py that goldpan gives, refuses others as argparse
does, and answers each request with what its schema takes first. What goes wrong says a file of JSON that
`FAKE_VLLM` names in the environment: see `MISDEEDS`. Each call is noted beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

MISDEEDS = {
    "missing": "leaves out the rows of these custom ids",
    "doubled": "writes each row twice",
    "reversed": "writes rows last first",
    "garbage": "writes a line that is no JSON, and one that is no object",
    "errors": "custom id -> [status, error] of rows that fail",
    "exit": "ends with this status after `after` rows",
    "signal": "kills itself after `after` rows",
    "after": "see there; by default all rows",
    "says": "the last lines on stderr",
    "hangs": "goes on for ever after `after` rows",
    "leaves": "leaves a process of its own behind",
    "silent": "says nothing while it hangs",
    "old": "errors as older versions wrote them: a text, and no body",
}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="vllm")
    commands = made.add_subparsers(required=True)
    run = commands.add_parser("run-batch")
    run.add_argument("-i", "--input-file", required=True)
    run.add_argument("-o", "--output-file", required=True)
    run.add_argument("--model", required=True)
    run.add_argument("--served-model-name", nargs="+")
    run.add_argument("--dtype", default="auto")
    run.add_argument("--max-model-len", type=int)
    run.add_argument("--tensor-parallel-size", type=int, default=1)
    run.add_argument("--trust-remote-code", action="store_true")
    run.add_argument("--quantization")
    run.add_argument("--gpu-memory-utilization", type=float)
    return made


def value_of(schema: dict) -> object:
    """The first value that fits a schema of a task."""
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return value_of(schema["anyOf"][0])
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: value_of(part) for name, part in schema.get("properties", {}).items()}
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    return {"boolean": False, "array": [], "null": None}.get(kind, "because")


def answer(body: dict) -> dict:
    """A chat completion, as vLLM gives one for a forced tool or a response format."""
    message: dict = {"role": "assistant", "content": None, "refusal": None, "tool_calls": []}
    if body.get("tools"):
        function = body["tools"][0]["function"]
        call = {"name": function["name"], "arguments": json.dumps(value_of(function["parameters"]))}
        message["content"] = ""
        message["tool_calls"] = [{"id": "chatcmpl-tool-1", "type": "function", "function": call}]
    else:
        wanted = body.get("response_format", {}).get("json_schema", {}).get("schema")
        message["content"] = json.dumps(value_of(wanted)) if wanted else "text"
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 50, "total_tokens": 60, "completion_tokens": 10},
    }


def line_of(row: dict, misdeeds: dict, names: list[str]) -> str:
    response = {"status_code": 200, "request_id": "vllm-batch-1", "body": None}
    error: object = None
    if row["body"]["model"] not in names:
        misdeeds = {
            "errors": {row["custom_id"]: [404, f"The model `{row['body']['model']}` does not exist."]}
        }
    if row["custom_id"] in misdeeds.get("errors", {}):
        status, message = misdeeds["errors"][row["custom_id"]]
        response["status_code"] = status
        inner = {"message": message, "type": "BadRequestError", "param": None, "code": status}
        error = message if misdeeds.get("old") else {"error": inner}
    else:
        response["body"] = answer(row["body"])
    return json.dumps({"id": "vllm-1", "custom_id": row["custom_id"], "response": response, "error": error})


def main() -> None:
    options = parser().parse_args()
    place = os.environ.get("FAKE_VLLM")
    misdeeds: dict = json.loads(Path(place).read_text()) if place and Path(place).exists() else {}
    rows = [json.loads(line) for line in Path(options.input_file).read_text().split("\n") if line.strip()]
    if place:
        note = {"arguments": sys.argv[1:], "asked": [row["custom_id"] for row in rows]}
        note["environment"] = dict(os.environ)
        with Path(place).with_suffix(".calls").open("a") as calls:
            calls.write(json.dumps(note) + "\n")
    if not (Path(options.model) / "config.json").exists():
        print(
            f"OSError: {options.model} is not a local folder and is not a valid model identifier",
            file=sys.stderr,
        )
        sys.exit(1)
    print("INFO 11-30 10:00:00 [api_server.py:1] Reading batch", file=sys.stderr, flush=True)
    names = options.served_model_name or [options.model]
    after = misdeeds.get("after", len(rows))
    lines = [
        line_of(row, misdeeds, names) for row in rows if row["custom_id"] not in misdeeds.get("missing", [])
    ]
    if misdeeds.get("reversed"):
        lines.reverse()
    with Path(options.output_file).open("w") as output:
        for line in lines[:after]:
            output.write(line + "\n")
            if misdeeds.get("doubled"):
                output.write(line + "\n")
        if misdeeds.get("garbage"):
            output.write('{"custom_id": "r\n[1]\n\n')
    while misdeeds.get("hangs"):
        time.sleep(0.1)
        if not misdeeds.get("silent"):
            print("Running batch", file=sys.stderr, flush=True)
    if misdeeds.get("leaves"):
        left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(place).with_suffix(".left").write_text(str(left.pid))
    if "says" in misdeeds:
        print(misdeeds["says"], file=sys.stderr)
    if "signal" in misdeeds:
        os.kill(os.getpid(), signal.Signals[misdeeds["signal"]])
    sys.exit(misdeeds.get("exit", 0))


if __name__ == "__main__":
    main()
