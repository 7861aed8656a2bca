"""A project whose prompt can be improved: an endpoint that is right where the prompt has the words for it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from goldpan.batches.stage import StageRun
from goldpan.providers.local.improving import IMPROVER_INSTRUCTIONS
from goldpan.study import Project, load_project
from tests.online_service import Call, Say
from tests.projects import WorkflowProject
from tests.stage_builders import records_made

LABELS = ["praise", "blame", "neither"]
WORDS = ("sarcasm", "understatement", "quotation")
"""Kind of row, from 1 -> the word without which the prompt does not get it right. Kind 0 is always right."""
TASK = {
    "task": "tone",
    "description": "What a remark does.",
    "prompt": {"system": "tone.system.j2", "user": "tone.user.j2"},
    "features": [
        {
            "name": "tone",
            "type": "classification",
            "description": "Whether the remark is praise, blame or neither.",
            "labels": LABELS,
        }
    ],
}
SYSTEM = "You label remarks."
USER = "Remark:\n{{ data.text }}"


def remark_rows(number: int, seed: int = 0) -> list[dict[str, Any]]:
    """Rows with a text that no other is like, a kind that stands in it, and the right label."""
    draw = random.Random(seed)
    vocabulary = ["".join(draw.choices("bcdfglmnprst", k=3)) + draw.choice("aeiou") * 2 for _ in range(600)]
    rows = []
    for place in range(number):
        kind, label = place % (len(WORDS) + 1), LABELS[place // 4 % 3]
        words = [*draw.sample(vocabulary, 14), f"kind{kind}", f"means{label}"]
        draw.shuffle(words)
        rows.append({"key": f"r{place:03d}", "text": " ".join(words), "gold": label})
    return rows


def search_study(provider: dict[str, Any], **search: Any) -> dict[str, Any]:
    """A study with one stage over such rows, its evaluation and a search."""
    settings = {
        "stage": "tones",
        "improver": {"provider": "service", "model": "improver"},
        "budget": {"answers": 900},
        "methods": ["gepa", "rewrites", "few_shot"],
        **search,
    }
    return {
        "study": "remarks",
        "sources": {"remarks": {"files": ["data/*.jsonl"], "id": ["key"]}},
        "providers": {"service": provider},
        "stages": {
            "tones": {
                "input": {"source": "remarks"},
                "task": "tone",
                "provider": "service",
                "model": "m",
                "price_usd_per_million": [1.0, 2.0],
            }
        },
        "evaluations": {"tones": {"source": "remarks", "gold": {"tone": "gold"}}},
        "optimised": {"better": settings},
    }


def search_project(root: Path, provider: dict[str, Any], number: int = 60, **search: Any) -> WorkflowProject:
    """A project with such a study and its rows."""
    project = WorkflowProject.create(root, study="remarks")
    project.write_study(search_study(provider, **search))
    project.write_task(TASK)
    project.write("config/tasks/tone.system.j2", SYSTEM)
    project.write("config/tasks/tone.user.j2", USER)
    project.write_rows("data/a.jsonl", remark_rows(number))
    return project


@dataclass
class Remarks:
    """A script for `online_service`: answers remarks as well as the prompt allows, and improves prompts.

    Attributes:
        asked, improved: how many calls of either kind came.
        improves: what an improver says in place of the usual; None for that.
    """

    asked: int = 0
    improved: int = 0
    improves: Any = None
    prompts: list[str] = field(default_factory=list)

    def __call__(self, call: Call) -> Say:
        system, user = (message["content"] for message in call.body["messages"][:2])
        if system == IMPROVER_INSTRUCTIONS:
            self.improved += 1
            return Say(answer=(self.improves or improved_prompt)(user))
        self.asked += 1
        self.prompts.append(system)
        return Say(answer={"tone": label_said(system, user)})


def label_said(system: str, user: str) -> str:
    """The right label where the prompt has the word for the kind of row; else the next one."""
    kind = next(kind for kind in range(len(WORDS) + 1) if f"kind{kind}" in user)
    right = next(label for label in LABELS if f"means{label}" in user)
    if kind == 0 or WORDS[kind - 1] in system:
        return right
    return LABELS[(LABELS.index(right) + 1) % 3]


def improved_prompt(request: str) -> str:
    """The text to improve, with the word for the first kind of row that was answered wrong; without rows,
    words that help nothing."""
    text = request.split("<text>\n")[1].split("\n</text>")[0]
    rows = request.split("<row>\n")[1:]
    for row in rows:
        said, right = (row.split(f"<{tag}>\n")[1].split(f"\n</{tag}>")[0] for tag in ("answered", "right"))
        for kind, word in enumerate(WORDS, 1):
            if said != right and f"kind{kind}" in row and word not in text:
                return f"{text} Mind {word}."
    return f"{text} Be careful ({len(request)})."


def answered_online(project: Project) -> None:
    """Have the stage answered online, as a run of the workflow would."""
    stage = project.study.asked_stages["tones"].model_copy(update={"mode": "online"})
    study = project.study.model_copy(update={"stages": {"tones": stage}})
    run = StageRun(replace(project, study=study), "tones")
    for shard in run.plan(1).shards:
        run.place(1, shard.name)
        run.submit(1, shard.name)
        run.wait(1, lambda progress: None)
        run.fetch(1, shard.name)
    assert run.settle(1).left == 0


def with_records(project: WorkflowProject) -> Project:
    """The project in this process, its records made: what a search reads."""
    loaded = load_project(root=project.root)
    records_made(StageRun(loaded, "tones"))
    return loaded
