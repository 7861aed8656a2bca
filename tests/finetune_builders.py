"""Fine-tuning in tests: a task that a tiny model can learn, and a process that trains and may be killed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from goldpan.study.finetune import FineTune
from tests.projects import CHECKOUT, until

ANSWERS = {"good": "yes", "bad": "no", "fine": "yes", "poor": "no"}
_NOUNS = ("data", "text", "survey", "bank", "world", "paper")

TOOL = {
    "type": "function",
    "function": {
        "name": "annotate",
        "description": "Answers.",
        "parameters": {"type": "object", "properties": {"label": {"type": "string"}}},
    },
}


def toy_rows(count: int, seed: int) -> list[dict[str, Any]]:
    """Rows of which the answer follows from one word of the question."""
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        word = chance.choice([*ANSWERS])
        asked = f"The {chance.choice(_NOUNS)} is {word}"
        prompt = [{"role": "system", "content": "Is it good? yes or no"}, {"role": "user", "content": asked}]
        rows.append({"prompt": prompt, "completion": [{"role": "assistant", "content": ANSWERS[word]}]})
    return rows


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """Write rows as JSONL; gives the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def write_toy_data(folder: Path) -> dict[str, Path]:
    """The splits that a training reads, of the task that can be learned."""
    return {
        "train": write_rows(folder / "train.jsonl", toy_rows(120, seed=1)),
        "valid": write_rows(folder / "valid.jsonl", toy_rows(24, seed=2)),
    }


def toy_settings(model: Path | str, **changed: Any) -> dict[str, Any]:
    """Settings with which the tiny model learns the task in some seconds."""
    lora = {"rank": 16, "dropout": 0.1, "modules_to_save": ["embed_tokens", "lm_head"]}
    return {
        "export": "answers",
        "model": str(model),
        "lora": lora,
        "epochs": 12,
        "learning_rate": 0.003,
        "batch_tokens": 512,
        "gradient_accumulation": 2,
        "eval_steps": 12,
        "device": "cpu",
        **changed,
    }


def right_answers(folder: Path, rows: list[dict[str, Any]]) -> float:
    """Share of rows that the model in a folder answers rightly, as any program would ask it."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    right = 0
    for row in rows:
        asked = tokenizer.apply_chat_template(
            row["prompt"], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        made = model.generate(**asked, max_new_tokens=5, do_sample=False)
        answer = tokenizer.decode(made[0][asked["input_ids"].shape[1] :], skip_special_tokens=True)
        right += answer == row["completion"][0]["content"]
    return right / len(rows)


_TRAINS = """
import json, os, sys
from pathlib import Path

def forbid(event, _):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        os.write(2, b"the network was asked\\n")
        os._exit(99)

sys.addaudithook(forbid)
settings, train, valid, folder = sys.argv[1:]
from goldpan.finetune.train import fine_tune
from goldpan.study.finetune import FineTune
fine_tune("toy", FineTune.model_validate_json(settings), {"train": Path(train), "valid": Path(valid)},
          Path(folder), say=lambda line: print(line, flush=True))
"""
"""Trains in a process that ends at once when it asks the network for anything."""


class TrainingProcess:
    """A training in a process of its own.

    Args:
        settings: of the fine-tuning.
        data: `train` and `valid`.
        folder: of what is made.
        stop_at: fault point at which the process stops, to be killed.
    """

    def __init__(
        self, settings: dict[str, Any], data: dict[str, Path], folder: Path, stop_at: str | None = None
    ):
        self._stopped = folder.parent / f"{folder.name}.stopped"
        self._stopped.unlink(missing_ok=True)
        environment = {"GOLDPAN_STOP_AT": stop_at or "", "GOLDPAN_STOP_FILE": str(self._stopped)}
        said = FineTune.model_validate(settings).model_dump_json()
        command = [sys.executable, "-c", _TRAINS, said, str(data["train"]), str(data["valid"]), str(folder)]
        path = f"{CHECKOUT / 'src'}{os.pathsep}{CHECKOUT}"
        # Telemetry of trl is off in CI, which would hide that it is on elsewhere.
        outside = {key: value for key, value in os.environ.items() if key not in {"CI", "HF_HUB_OFFLINE"}}
        self._process = subprocess.Popen(
            command,
            env={**outside, "PYTHONPATH": path, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def kill_where_it_stops(self) -> None:
        """Wait until it has stopped at its fault point, and kill it as `kill -9` does."""
        until(lambda: self._stopped.exists() and self._stopped.read_text() != "", self._process)
        self._process.kill()
        assert self._process.wait() == -9

    def ended(self) -> str:
        """What it printed, once it has ended well."""
        printed, _ = self._process.communicate(timeout=600)
        assert self._process.returncode == 0, printed
        return printed
