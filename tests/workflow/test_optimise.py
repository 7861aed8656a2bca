"""The search for a better prompt as a rule: with an endpoint on loopback, and with the embedded default."""

import pytest

from tests.filled_sheets import fill_csv
from tests.online_service import online_service
from tests.projects import WorkflowProject, note_rows, notes_study
from tests.searching import WORDS, Remarks, search_project

PAGE = "results/remarks/optimised/better/search.html"
SEARCH = {"methods": ["gepa", "rewrites"], "rewrites": 3, "budget": {"answers": 240}}


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A project whose search has ended, with the endpoint it asked."""
    script = Remarks()
    with online_service(script) as service:
        provider = {"kind": "openai", "base_url": service.base_url}
        project = search_project(tmp_path_factory.mktemp("searched") / "project", provider, 36, **SEARCH)
        run = project.run(PAGE)
        yield project, script, run


def test_the_rule_leaves_page_candidates_and_a_proposal_and_says_what_it_does(searched):
    project, _, run = searched
    assert "gepa tried" in run.stdout and "is proposed" in run.stdout
    report = project.json("optimised/better/search.json")
    lines = project.rows("optimised/better/candidates.jsonl")
    winner = next(line for line in lines if line["name"] == report["decision"]["proposed"])
    assert all(word in winner["components"]["system"] for word in WORDS)
    assert (
        winner["components"]["system"] in project.artifact("optimised/better/task/tone.system.j2").read_text()
    )
    assert winner["name"] in (project.root / PAGE).read_text()
    assert report["test"]["rows"] == 9 and len(report["looks"]) == 1


def test_a_run_again_does_nothing_and_one_that_is_forced_pays_nothing(searched):
    project, script, _ = searched
    calls = script.asked + script.improved
    files = {
        path.name: path.read_bytes() for path in (project.root / PAGE).parent.rglob("*") if path.is_file()
    }
    assert "Nothing to be done" in project.run(PAGE).stdout
    project.run(PAGE, "--forcerun", "optimised")
    assert script.asked + script.improved == calls
    again = {
        path.name: path.read_bytes() for path in (project.root / PAGE).parent.rglob("*") if path.is_file()
    }
    assert again == files


def test_what_is_adopted_is_asked_without_paying_again_for_what_the_search_has_asked(searched, tmp_path):
    project, script, _ = searched
    adopted = project.goldpan("optimise", "adopt", "better")
    assert "config/tasks/tone_v2.yaml" in adopted.stdout and "task: tone_v2" in adopted.stdout
    refused = project.goldpan("optimise", "adopt", "better", "--as", "tone_v2", check=False)
    assert refused.returncode == 1 and "already" in refused.stdout
    study = (project.root / "config/studies/remarks.yaml").read_text()
    project.write("config/studies/remarks.yaml", study.replace("task: tone\n", "task: tone_v2\n"))
    calls = script.asked
    project.run("results/remarks/stages/tones/features.jsonl", "--config", "mode=online")
    rows = project.rows("stages/tones/features.jsonl")
    assert [row["state"] for row in rows] == ["ok"] * 36 and {row["task"] for row in rows} == {"tone_v2"}
    # Of 36 rows dev (12) and test (9) were asked with this prompt, and some of train.
    assert 0 < script.asked - calls <= 36 - 21


WORDS_OF = {
    "animals": ["whisker", "pawprint", "burrow", "antler", "plumage", "gills"],
    "machines": ["piston", "crankshaft", "gearbox", "turbine", "flywheel", "camshaft"],
}


def embedded_project(root) -> WorkflowProject:
    """A project on the embedded default, whose descriptions lack the words of the rows."""
    project = WorkflowProject.create(root, study="remarks")
    labels = {label: f"It is of {label}." for label in ("machines", "animals")}
    feature = {
        "name": "about",
        "type": "classification",
        "description": "What it is about.",
        "labels": labels,
    }
    project.write_task(
        {
            "task": "about",
            "description": "A note.",
            "prompt": {"user": "about.user.j2"},
            "features": [feature],
        }
    )
    project.write("config/tasks/about.user.j2", "{{ data.text }}")
    rows = []
    for place in range(36):
        label = ("animals", "machines")[place % 2]
        words = [WORDS_OF[label][(place // 2 + step) % 6] for step in (0, 2, 3)]
        rows.append(
            {"key": f"r{place:02d}", "text": f"Note{place} of {' '.join(words)} item{place}x.", "gold": label}
        )
    project.write_rows("data/a.jsonl", rows)
    baseline = "goldpan-baseline-1"
    project.write_study(
        {
            "study": "remarks",
            "sources": {"notes": {"files": ["data/*.jsonl"], "id": ["key"]}},
            "providers": {"here": {"kind": "local"}},
            "stages": {
                "notes": {
                    "input": {"source": "notes"},
                    "task": "about",
                    "provider": "here",
                    "model": baseline,
                }
            },
            "evaluations": {"notes": {"source": "notes", "gold": {"about": "gold"}}},
            "optimised": {
                "better": {
                    "stage": "notes",
                    "improver": {"provider": "here"},
                    "improves": "descriptions",
                    "budget": {"answers": 240},
                    "rewrites": 2,
                }
            },
        }
    )
    return project


def test_on_the_embedded_default_it_runs_without_a_key_and_improves_the_descriptions(tmp_path):
    project = embedded_project(tmp_path / "project")
    run = project.run(PAGE)
    report = project.json("optimised/better/search.json")
    lines = project.rows("optimised/better/candidates.jsonl")
    assert {line["method"] for line in lines} == {"seed", "gepa", "rewrites", "few_shot"}
    assert report["decision"]["proposed"], run.stdout
    winner = next(line for line in lines if line["name"] == report["decision"]["proposed"])
    assert "Words that tell:" in "".join(winner["components"].values())
    assert winner["metric"]["value"] > lines[0]["metric"]["value"]
    assert report["spending"]["answers_usd"] == 0.0 == report["spending"]["improver_usd"]


def test_the_gold_of_a_wave_brings_its_splits_and_its_people_the_ceiling(tmp_path):
    project = WorkflowProject.create(tmp_path / "project")
    split = {"train": 0.4, "dev": 0.4, "test": 0.2}
    wave = {
        "stage": "topics",
        "features": ["topic"],
        "sample": "all",
        "annotators": ["ann", "ben"],
        "formats": ["csv"],
        "gold": {"split": split},
    }
    search = {
        "stage": "topics",
        "evaluation": "llm",
        "improver": {"provider": "main"},
        "methods": "rewrites",
        "rewrites": 2,
        "budget": {"answers": 300},
    }
    evaluations = {"llm": {"wave": "check", "predictions": "topics"}}
    study = {**notes_study(), "waves": {"check": wave}, "evaluations": evaluations}
    project.write_study({**study, "optimised": {"better": search}})
    project.write_rows("notes/a.jsonl", note_rows(30))
    project.run("results/notes/waves/check/sheets/ann.csv")
    topics = ("animals", "machines", "weather")
    answers = {
        row["item_id"]: {"topic": topics[int(row["id"].removeprefix("n")) % 3]}
        for row in project.rows("waves/check/sample.jsonl")
    }
    for person in ("ann", "ben"):
        sheet = project.artifact(f"waves/check/sheets/{person}.csv")
        fill_csv(sheet, project.root / "annotations" / "notes" / "check" / f"{person}.csv", answers.get)
    project.run("results/notes/optimised/better/search.html")
    report = project.json("optimised/better/search.json")
    sizes = {name: len(project.rows(f"waves/check/gold/{name}.jsonl")) for name in ("train", "dev", "test")}
    assert {name: report["rows"][name] for name in sizes} == sizes and report["rows"]["gold"] == "wave check"
    assert report["headroom"]["ceiling"]["agreement"]["value"] == 1.0
    assert report["headroom"]["ceiling"]["items"] == sizes["dev"]
    # The embedded default does not read a system prompt: nothing is better, and nobody looks at test.
    assert report["decision"]["proposed"] is None and report["looks"] == []
