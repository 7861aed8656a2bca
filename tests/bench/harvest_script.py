"""The script that harvesting is measured against: what one writes first, with `json`, litellm and Pydantic.

It holds no state, checks nothing, and loses everything when it is stopped.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import litellm
import openai
from pydantic import BaseModel

from goldpan.tasks.features import Binary, Classification, Feature
from goldpan.tasks.task import load_task
from tests.bench.measuring import CHECKOUT

RUBRIC = load_task("trace_critic_follow_up", CHECKOUT / "config" / "tasks")


class BinaryPrediction(BaseModel):
    type: Literal["BinaryPrediction"] = "BinaryPrediction"
    detected: bool
    rationale: str


class ClassificationPrediction(BaseModel):
    type: Literal["ClassificationPrediction"] = "ClassificationPrediction"
    label: str
    rationale: str


class TextPrediction(BaseModel):
    type: Literal["TextPrediction"] = "TextPrediction"
    text: str


Prediction = BinaryPrediction | ClassificationPrediction | TextPrediction


def harvest(base_url: str, output: str, *file_ids: str) -> int:
    """Download output files, parse every answer, and write one consolidated line for each.

    Returns:
        Number of rows.
    """
    client = openai.OpenAI(base_url=base_url, api_key="unused")
    rows = 0
    with Path(output).open("w") as out:
        for number, file_id in enumerate(file_ids):
            raw = Path(f"{output}.{number}.raw")
            client.files.content(file_id).write_to_file(raw)
            with raw.open() as lines:
                for line in lines:
                    out.write(json.dumps(consolidated(json.loads(line))) + "\n")
                    rows += 1
    return rows


def consolidated(row: dict[str, Any]) -> dict[str, Any]:
    """The consolidated row of one line of an output file."""
    response = litellm.ModelResponse(**row["response"]["body"])
    arguments = json.loads(response.choices[0].message.tool_calls[0].function.arguments)
    predictions = {feature.name: prediction(feature, arguments) for feature in RUBRIC.features}
    for group in RUBRIC.exclusive:
        for name in [name for name in group.order if predictions[name].detected][1:]:
            predictions[name].detected = False
    return {
        "batch_id": row["id"],
        "custom_id": row["custom_id"],
        "model": response.model,
        "usage": response.usage.model_dump(),
        "features": {name: value.model_dump() for name, value in predictions.items()},
        "feature_count": len(predictions),
    }


def prediction(feature: Feature, arguments: dict[str, Any]) -> Prediction:
    """The typed value of one feature."""
    value = arguments[feature.key]
    if isinstance(feature, Binary):
        return BinaryPrediction(detected=value, rationale=arguments[f"{feature.name}_rationale"])
    if isinstance(feature, Classification):
        return ClassificationPrediction(label=value, rationale=arguments[f"{feature.name}_rationale"])
    return TextPrediction(text=value)
