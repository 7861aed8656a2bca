"""Items of answers through real rules and a scripted endpoint: whose verdict is whose, and what is paid."""

import pytest

from tests.mention_projects import mentions_project, mentions_study
from tests.online_service import Say, online_service

ASKED = {"provider": "service", "model": "m", "mode": "online", "max_rounds": 1}
PAGES = [f"p{at}" for at in range(30)]
REFUSED = "n2@p3"


def found_in(page):
    """The names on a page: none on each fifth, and one of them twice."""
    at = int(page[1:])
    names = [f"n{number}" for number in range(at % 5)]
    return names + names[:1]


def items(names):
    return [{"raw_name": name, "context": "primary", "year": None} for name in names]


class Endpoint:
    """What it answers; `order` brings the items of an answer into another order, or changes them."""

    def __init__(self):
        self.order = list

    def __call__(self, call):
        kind, about = call.text.split(" ", 1)
        if kind == "extract":
            return Say(answer={"mentions": items(self.order(found_in(about))), "topics": [], "length": 1})
        if kind == "judge":
            if about == REFUSED:
                return Say(status=400, body={"error": {"message": "no", "code": "invalid_request"}})
            verdict = "yes" if about < "n2" else "no"
            return Say(answer={"valid_rationale": f"about {about}", "valid": verdict})
        return Say(answer={"quality": about.count(";") % 4})


def write(root, base_url):
    study = mentions_study()
    study["providers"] = {"service": {"kind": "openai", "base_url": base_url, "patience_seconds": 1}}
    for stage in study["stages"].values():
        stage.update(ASKED)
    study["stages"]["paper"]["input"]["where"] = "valid == 'yes'"
    project = mentions_project(root, study)
    project.write("config/tasks/mentions.user.j2", "First\nextract {{ data.page }}")
    project.write("config/tasks/judge.user.j2", "{{ data.text }}\njudge {{ item.raw_name }}@{{ data.page }}")
    shown = (
        "{{ child.item.raw_name }}={{ child.answers.judge.valid if child.state == 'ok' else child.state }};"
    )
    project.write(
        "config/tasks/paper.user.j2",
        "paper {% for child in children %}" + shown + "{% endfor %} {{ data.page }}",
    )
    project.write_rows("pages/a.jsonl", [{"page": page, "text": f"Text of {page}."} for page in PAGES])
    return project


def calls(service, kind, since=0):
    return [call.text for call in service.calls[since:] if call.text.startswith(kind)]


@pytest.mark.slow
def test_a_verdict_sits_on_its_own_item_and_a_moved_item_pays_nothing(tmp_path):
    endpoint = Endpoint()
    with online_service(endpoint) as service:
        project = write(tmp_path / "project", service.base_url)
        project.run()
        pairs = {(page, name) for page in PAGES for name in found_in(page)}
        assert len(calls(service, "judge")) == len(pairs) == 60

        records = {record["id"]: record for record in project.rows("stages/judge/records.jsonl")}
        answered = {row["id"]: row for row in project.rows("stages/judge/features.jsonl")}
        assert records.keys() == answered.keys()
        judged = {
            (records[name]["parent"], records[name]["item"]["raw_name"]): row
            for name, row in answered.items()
            if "item" in records[name]
        }
        assert judged.keys() == pairs
        for (page, name), row in judged.items():
            if f"{name}@{page}" == REFUSED:
                assert row["state"] == "failed"
            else:
                assert row["features"]["valid"]["rationale"] == f"about {name}@{page}"
        summary = project.json("stages/judge/summary.json")
        assert {state: count for state, count in summary["states"].items() if count} == {
            "ok": 59,
            "failed": 1,
            "skipped": 6,
        }

        papers = project.rows("stages/paper/records.jsonl")
        assert [paper["id"] for paper in papers] == PAGES
        by_state = [child["state"] for paper in papers for child in paper["children"]]
        assert len(by_state) == 60
        assert by_state.count("failed") == 1
        assert sum(paper["rows"] for paper in papers) == len(records)

        # Another extraction prompt pays for the extraction; what it finds in another order, for nothing.
        before = project.artifact("stages/judge/records.jsonl").read_bytes()
        so_far, endpoint.order = len(service.calls), lambda names: names[::-1]
        project.write("config/tasks/mentions.user.j2", "Second\nextract {{ data.page }}")
        project.run()
        assert len(calls(service, "extract", so_far)) == len(PAGES)
        assert calls(service, "judge", so_far) == []
        assert calls(service, "paper", so_far) == []
        assert project.artifact("stages/judge/records.jsonl").read_bytes() == before

        # An edited item pays for itself and for the page that gathers it.
        so_far = len(service.calls)
        endpoint.order = lambda names: [
            name.replace("n2", "n7") if len(names) == 4 else name for name in names
        ]
        project.write("config/tasks/mentions.user.j2", "Third\nextract {{ data.page }}")
        project.run()
        edited = [page for page in PAGES if len(found_in(page)) == 4]
        assert sorted(calls(service, "judge", so_far)) == sorted(f"judge n7@{page}" for page in edited)
        assert len(calls(service, "paper", so_far)) == len(edited)

        # Another judge's prompt pays for the judge and what follows it.
        so_far = len(service.calls)
        project.write("config/tasks/judge.user.j2", "Anew\njudge {{ item.raw_name }}@{{ data.page }}")
        project.run()
        assert calls(service, "extract", so_far) == []
        assert len(calls(service, "judge", so_far)) == 60
