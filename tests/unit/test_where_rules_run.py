"""Where rules run on a cluster: what wants a GPU or reads much is a documented job; else it stays here."""

import re

import pytest

from tests.projects import CHECKOUT

_RULE = r"^ *(?:use rule \w+ as|rule|checkpoint)(?: (\w+)(?: with)?)?:\n"


def bodies_of_rules() -> dict[str, str]:
    """Name of each rule (the whole of what it is called by, of one that a loop makes) -> its text."""
    bodies = {}
    for path in sorted((CHECKOUT / "rules").glob("*.smk")):
        _, *parts = re.split(_RULE, path.read_text(), flags=re.M)
        for name, body in zip(parts[::2], parts[1::2], strict=True):
            bodies[name or re.search(r'f"(.+?)"', body)[1]] = body
    return bodies


BODIES = bodies_of_rules()
SNAKEFILE = (CHECKOUT / "Snakefile").read_text()
LOCAL = set(re.findall(r"^    (\w+),$", SNAKEFILE.split("localrules:\n")[1].split("\n\n")[0], re.M))
WITH_GPU = {name for name, body in BODIES.items() if "gpu=" in body}
JOBS = WITH_GPU | {"take_embeddings"}
DOCUMENTED = set(re.findall(r"^\| `(\w+)` \| \d+ \|", (CHECKOUT / "docs/slurm.md").read_text(), re.M))


def test_rules_are_seen_whichever_way_they_are_made():
    assert {"records", "plan", "cluster_features", "table_{name}"} <= BODIES.keys()


@pytest.mark.parametrize("name", sorted(BODIES.keys() - JOBS))
def test_what_is_no_job_stays_on_the_host(name):
    assert name in LOCAL or "localrule: True" in BODIES[name]


@pytest.mark.parametrize("name", sorted(JOBS))
def test_what_wants_a_gpu_or_reads_much_is_a_job(name):
    assert name not in LOCAL and "localrule: True" not in BODIES[name] and "runtime=" in BODIES[name]


def test_the_docs_name_each_rule_that_is_a_job():
    assert {name for name in JOBS if "{" not in name} == DOCUMENTED
