"""Modules of a table in a real run: each by itself on golden rows, and as a chain over pairs."""

import orjson
import pytest

from goldpan.errors import SourceError
from goldpan.evaluation.run import evaluate_in_project
from goldpan.study import load_project
from tests.projects import CHECKOUT, WorkflowProject, ran

KEYWORDS = CHECKOUT / "examples" / "keywords"
TABLE = """
modules:
  m06: {name: GenerateProductTypeTaxonomy, kind: extraction, funnel: product definition}
  m13: {name: ProductTypeCheck, kind: validation, funnel: relevance, after: m06}
"""
STUDY = """
study: {name}
modules:
  table: config/modules.yaml
  data: {data}
  only: {only}
  stage: {{provider: baseline, model: goldpan-baseline-1, poll: {{first: 0.1, longest: 1}}}}
providers: {{baseline: {{kind: local}}}}
evaluations: {{m13: {{every_record: {every}}}}}
"""


def some_rows(path, wanted=lambda row: True):
    """Six rows of a data set."""
    return [row for row in map(orjson.loads, path.read_bytes().splitlines()) if wanted(row)][:6]


@pytest.fixture
def project(tmp_path):
    project = WorkflowProject.create(tmp_path / "project", study="golden")
    project.write("config/modules.yaml", TABLE)
    project.write(
        "config/studies/golden.yaml", STUDY.format(name="golden", data="golden", only="m13", every="true")
    )
    chain = STUDY.format(name="chain", data="pairs.jsonl", only="[m06, m13]", every="false")
    project.write("config/studies/chain.yaml", chain)
    for module in ("m06", "m13"):
        (project.root / "config" / "tasks" / f"{module}.yaml").symlink_to(
            CHECKOUT / "config" / "tasks" / f"{module}.yaml"
        )
    project.write_rows("golden/m13.jsonl", some_rows(KEYWORDS / "golden" / "m13.jsonl"))
    (project.root / "config" / "tasks" / "keywords").symlink_to(CHECKOUT / "config" / "tasks" / "keywords")
    pairs = KEYWORDS / "synthetic" / "pairs.jsonl"
    known = some_rows(pairs, lambda row: row["expected"]["same_type"] is not None)
    project.write_rows(
        "pairs.jsonl", [*known[:5], *some_rows(pairs, lambda row: row["expected"]["violates"])[:1]]
    )
    return project


@pytest.mark.timeout(600)
def test_modules_are_answered_and_measured_by_themselves_and_as_a_chain(project):
    assert "evaluation" in ran(project.run("results/golden/evaluation/m13.json"))
    report = project.json("evaluation/m13.json")
    assert (report["drawn"], report["without_any_label"]) == (6, 0)
    (measured,) = report["features"]
    assert (measured["feature"], measured["items"]["evaluated"]) == ("same_type", 6)
    assert measured["models"][0]["figures"]
    # A row that has lost its right answer is an error, and no match.
    records = project.artifact("sources/m13/m13.jsonl.jsonl")
    records.write_bytes(records.read_bytes().replace(b'"same_type":true', b'"same_type":null', 1))
    with pytest.raises(
        SourceError, match=r"record `m13-g\d+`, field `expected.same_type`.*no value"
    ) as refused:
        evaluate_in_project(load_project("golden", root=project.root), "m13")
    assert refused.value.where.startswith("golden/m13.jsonl:")

    project.study = "chain"
    assert "evaluation" in ran(project.run("results/chain/evaluation/m13.json", "--config", "study=chain"))
    types = [row["features"]["product_type"]["items"] for row in rows(project, "m06")]
    asked = [line["body"]["messages"][1]["content"] for line in requests(project, "m13")]
    assert len(asked) == 6
    for items, prompt in zip(types, asked, strict=True):
        assert items and all(orjson.dumps(item["name"]).decode() in prompt for item in items)
    assert project.json("evaluation/m13.json")["without_any_label"] == 1


def rows(project, stage):
    return map(orjson.loads, project.artifact(f"stages/{stage}/features.jsonl").read_bytes().splitlines())


def requests(project, stage):
    content = project.put_away(f"stages/{stage}/round1/requests/0000.jsonl")
    return map(orjson.loads, content.splitlines())
