"""`goldpan experiments check`: what is wrong with the data sets of modules."""

import orjson
import pytest

from goldpan.cli import main

TABLE = """
modules:
  brand: {name: ExtractBrand, kind: extraction, funnel: brands}
  scope: {name: ClassifyScope, kind: classification, funnel: scope, after: brand}
  idle: {name: NotYet, kind: ranking, funnel: scope, enabled: false}
"""
TASKS = {
    "brand": "{name: brands, type: extraction, description: d, fields: [{name: brand}]}",
    "scope": "{name: label, type: classification, description: d, labels: [own, other]}",
    "idle": "{name: order, type: ranking, description: d, items: [x, y]}",
}
PROMPTS = {
    "brand": "{{ data.input.text }}",
    "scope": "{% set brands = answers.brand.brands if answers.brand is defined else data.input.brands %}"
    "{{ data.input.text }} {% for each in brands %}{{ each.brand }}{% endfor %}",
    "idle": "{{ data.input.text }}",
}
FEATURES = {"brand": "brands", "scope": "label", "idle": "order"}
GOLDEN = {
    "brand": [
        ({"text": "Acme sells"}, {"brands": [{"brand": "Acme"}]}),
        ({"text": "nobody"}, {"brands": []}),
    ],
    "scope": [
        ({"text": "acme pan", "brands": [{"brand": "Acme"}]}, {"label": "own"}),
        ({"text": "pan", "brands": []}, {"label": "other"}),
    ],
}


class Modules:
    """A project with three modules, the golden rows of two of them, and a study over these."""

    def __init__(self, root):
        self.root = root
        (root / "config" / "tasks").mkdir(parents=True)
        (root / "config" / "studies").mkdir()
        (root / "config" / "modules.yaml").write_text(TABLE)
        for name, feature in TASKS.items():
            (root / "config" / "tasks" / f"{name}.j2").write_text(PROMPTS[name])
            (root / "config" / "tasks" / f"{name}.yaml").write_text(
                f"task: {name}\ndescription: d\nprompt: {{user: {name}.j2}}\nfeatures: [{feature}]\n"
                f"expected: {{{FEATURES[name]}: {{field: expected.{FEATURES[name]}}}}}\n"
            )
        self.study("golden")
        for name, rows in GOLDEN.items():
            self.rows(f"golden/{name}.jsonl", rows)

    def study(self, name, data=None):
        text = f"study: {name}\nmodules: {{table: config/modules.yaml, data: {data or name}, stage: STAGE}}\n"
        text += "providers: {p: {kind: local}}\n"
        path = self.root / "config" / "studies" / f"{name}.yaml"
        path.write_text(text.replace("STAGE", "{provider: p, model: m}"))

    def rows(self, file, rows):
        """Write (input, expected) as rows with ids of their own."""
        path = self.root / file
        path.parent.mkdir(exist_ok=True)
        lines = [
            {
                "id": f"{path.stem}-{number}",
                "input": given,
                "expected": right,
                "metadata": {"why": "w" * number},
            }
            for number, (given, right) in enumerate(rows, 1)
        ]
        path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))

    def check(self, capsys, *arguments):
        """Exit code, stdout and stderr of the command."""
        code = main(["experiments", "check", "--root", str(self.root), *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err


@pytest.fixture
def modules(tmp_path):
    return Modules(tmp_path)


def test_sound_data_sets_have_a_line_each_with_the_counts_of_their_answers(modules, capsys):
    assert modules.check(capsys) == (
        0,
        "golden brand: 2 rows; brands: 1 objects\ngolden scope: 2 rows; label: 1 other, 1 own\n",
        "",
    )
    assert modules.check(capsys, "scope", "--study", "golden")[1].startswith("golden scope")


def test_a_module_that_is_not_enabled_is_checked_once_it_has_rows(modules, capsys):
    modules.rows("golden/idle.jsonl", [({"text": "t"}, {"order": ["x"]})])
    code, _, wrong = modules.check(capsys)
    assert code == 1
    assert "golden/idle.jsonl:1" in wrong and "`idle-1`" in wrong


def test_all_that_is_wrong_with_rows_is_told_with_file_line_and_id(modules, capsys):
    own, other = GOLDEN["scope"]
    wrong_label = ({"text": "a", "brands": []}, {"label": "owm"})
    without = ({"text": "b", "brands": []}, {})
    empty = ({"text": "c", "brands": []}, {"label": None})
    same_input = ({"text": " ACME  pan", "brands": [{"brand": "acme"}]}, {"label": "other"})
    no_prompt = ({"brands": []}, {"label": "own"})
    modules.rows("golden/scope.jsonl", [own, other, wrong_label, without, empty, same_input, no_prompt])
    path = modules.root / "golden" / "scope.jsonl"
    path.write_bytes(path.read_bytes() + path.read_bytes().splitlines()[1] + b"\n{broken\n")
    code, out, wrong = modules.check(capsys)
    assert (code, out) == (1, "")
    assert wrong.startswith("goldpan: SeveralErrors: 7 errors:")
    lines = wrong.splitlines()

    def told(place):
        return next(line for line in lines if line.startswith(f"golden/scope.jsonl:{place}: "))

    assert "`scope-3`" in told(3) and "did you mean `own`" in told(3)
    assert "`scope-4`, field `expected.label`" in told(4) and "no value" in told(4)
    assert "`scope-5`, field `expected.label`" in told(5)
    assert (
        "`scope-6`: the same input stands already, with another right answer, at golden/scope.jsonl:1"
        in told(6)
    )
    assert "duplicate_id: the id `scope-2` stands already" in told(8)
    assert "bad_json" in told(9)
    assert "`text` is not there" in wrong and "scope-7" in wrong


def test_a_row_without_its_right_answer_is_found_before_a_run_too(modules, capsys):
    modules.rows("golden/scope.jsonl", [GOLDEN["scope"][0], ({"text": "b", "brands": []}, {})])
    assert main(["validate", "golden", "--root", str(modules.root)]) == 1
    wrong = capsys.readouterr().err
    assert "golden/scope.jsonl:2: record `scope-2`, field `expected.label`" in wrong
    assert "there is no value" in wrong and "give each row its right answer" in wrong


def test_a_row_that_stands_in_two_studies_is_a_leak_whichever_is_checked(modules, capsys):
    modules.study("synthetic")
    modules.rows("synthetic/brand.jsonl", [({"text": "Other"}, {"brands": []})])
    modules.rows("synthetic/scope.jsonl", [({"text": "PAN ", "brands": []}, {"label": "other"})])
    for arguments in ([], ["--study", "golden"], ["--study", "synthetic"], ["scope"]):
        code, _, wrong = modules.check(capsys, *arguments)
        assert code == 1
        assert "a leak: the same input stands in a data set of the study" in wrong
        assert "golden/scope.jsonl:2" in wrong and "synthetic/scope.jsonl:1" in wrong
    # What else is wrong with the other study is told when it is checked itself.
    modules.rows("synthetic/scope.jsonl", [({"text": "new", "brands": []}, {"label": "nobody"})])
    assert modules.check(capsys, "--study", "golden")[0] == 0
    assert modules.check(capsys)[0] == 1


@pytest.mark.parametrize(
    "shown",
    ["{{ data.expected.label }}", "{{ data | tojson }}", "{{ data.metadata.why }}", "{{ data.expected }}"],
)
def test_a_prompt_that_shows_the_right_answer_or_the_metadata_is_refused(modules, capsys, shown):
    prompt = modules.root / "config" / "tasks" / "scope.j2"
    prompt.write_text("{{ data.input.text }} " + shown)
    code, _, wrong = modules.check(capsys)
    assert code == 1
    assert "PromptError" in wrong or "errors:" in wrong
    assert "it must not show" in wrong or "shows the right answers or `metadata`" in wrong


def test_a_task_without_expected_values_is_named(modules, capsys):
    task = modules.root / "config" / "tasks" / "scope.yaml"
    task.write_text(task.read_text().split("expected:")[0])
    code, _, wrong = modules.check(capsys)
    assert code == 1
    assert "config/tasks/scope.yaml: nothing says which fields of a row have the right answers" in wrong


def test_in_a_chain_prompts_are_made_with_the_right_answers_of_those_before(modules, capsys):
    modules.study("chain", "pairs.jsonl")
    right = {"brands": [{"brand": "Acme"}], "label": "own"}
    modules.rows(
        "pairs.jsonl", [({"text": "acme pan"}, right), ({"text": "pan"}, {**right, "label": "other"})]
    )
    code, out, _ = modules.check(capsys, "--study", "chain")
    assert (code, out.splitlines()[1]) == (0, "chain scope: 2 rows; label: 1 other, 1 own")
    prompt = modules.root / "config" / "tasks" / "scope.j2"
    prompt.write_text("{{ answers.brand.brands[0].brnd }}")
    code, _, wrong = modules.check(capsys, "--study", "chain")
    assert code == 1 and "`brnd` is not there; did you mean `brand`" in wrong


def test_one_mistake_of_a_prompt_is_told_once_with_the_number_of_rows(modules, capsys):
    (modules.root / "config" / "tasks" / "scope.j2").write_text("{{ data.input.txet }}")
    code, _, wrong = modules.check(capsys, "scope")
    assert code == 1
    assert wrong.count("txet") == 1 and "(so it is with 1 more)" in wrong


def test_a_module_without_a_data_set_stands_in_nobodys_way_and_is_named(modules, capsys):
    modules.study("other", "other")
    modules.rows("other/brand.jsonl", [({"text": "Other sells"}, {"brands": [{"brand": "Other"}]})])
    code, said, _ = modules.check(capsys)
    assert code == 0
    assert "other scope: other has no rows for it, so it is left out here" in said
    assert "golden scope: 2 rows" in said
    path = modules.root / "config" / "studies" / "other.yaml"
    path.write_text(path.read_text().replace("data: other", "data: other, only: [scope]"))
    code, _, wrong = modules.check(capsys, "--study", "other")
    assert code == 1 and "no file matches `other/scope.jsonl`" in wrong


def test_names_that_are_not_there_are_refused(modules, capsys):
    assert "no module `scop`; there are: brand, scope" in modules.check(capsys, "scop")[2]
    (modules.root / "config" / "studies" / "plain.yaml").write_text(
        "study: plain\nsources: {a: {files: golden/brand.jsonl}}\n"
    )
    code, _, wrong = modules.check(capsys, "--study", "plain")
    assert code == 1 and "the study `plain` takes no modules" in wrong
    (modules.root / "config" / "studies" / "golden.yaml").unlink()
    assert "no study takes modules" in modules.check(capsys)[2]


def hand_typed(modules, text):
    (modules.root / "golden" / "scope.jsonl").write_bytes(text.encode())


def row(name="a", text="x", expected='{"label": "own"}', more=""):
    return f'{{"id": "{name}", "input": {{"text": "{text}", "brands": []}}, "expected": {expected}{more}}}'


def test_a_byte_order_mark_other_line_ends_and_blank_lines_make_no_difference(modules, capsys):
    hand_typed(modules, f"\ufeff{row('a', 'x')}\r\n\r\n  \r\n{row('b', 'y')}\r\n")
    assert modules.check(capsys, "scope")[:2] == (0, "golden scope: 2 rows; label: 2 own\n")


@pytest.mark.parametrize(
    ("text", "place", "what", "remedy"),
    [
        (row()[:-1] + ",}", 1, "trailing comma", "one whole JSON object on one line"),
        (f"[\n{row()},\n{row('b', 'y')}\n]", 2, "bad_json", "no brackets around the rows, no comma after"),
        (f"{row()}\n{row('a', 'y')}", 2, "duplicate_id", "an `id` of its own, or leave one of the two out"),
        (row().replace('"id": "a", ', ""), 1, "missing_id", "give each row an `id` of its own"),
        (row(expected='{"label": "relevant"}'), 1, "there are: `own`, `other`", "its right answer"),
        (row(expected='{"lable": "own"}'), 1, "`expected.lable` is the right answer of no", "the name"),
    ],
)
def test_a_slip_of_the_hand_is_told_with_what_to_do_about_it(modules, capsys, text, place, what, remedy):
    hand_typed(modules, text)
    code, out, wrong = modules.check(capsys, "scope")
    assert (code, out) == (1, "")
    lines = wrong.splitlines()
    (at,) = [n for n, line in enumerate(lines) if f"golden/scope.jsonl:{place}: " in line and what in line]
    assert remedy in lines[at + 1]


def test_of_a_row_that_cannot_be_used_nothing_more_is_said(modules, capsys):
    hand_typed(modules, "{broken")
    assert "no record has a field" not in modules.check(capsys, "scope")[2]


def test_a_label_in_other_letters_is_taken_and_said(modules, capsys):
    hand_typed(modules, row(expected='{"label": "OWN"}'))
    code, out, _ = modules.check(capsys, "scope")
    assert code == 0 and "label: 1 own" in out and "1, as 'OWN' for 'own'" in out


def test_fields_that_nothing_reads_are_named_with_the_first_row_that_has_them(modules, capsys):
    more = ', "expcted": {}'
    hand_typed(modules, "\n".join([row("a", "x"), row("b", "y", more=more), row("c", "z", more=more)]))
    code, out, _ = modules.check(capsys, "scope")
    assert code == 0
    assert (
        "nothing reads the field `expcted`; did you mean `expected`? (golden/scope.jsonl:2 and 1 more)" in out
    )


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("Acme pan, 20 cm.", "acme  pan 20 cm", True),
        ("disk 1.5 TB", "disk 15 TB", False),
        ("c++", "c", False),
        ("pan (new)", "pan new", True),
    ],
)
def test_an_input_that_differs_in_case_space_and_punctuation_only_is_the_same(
    modules, capsys, one, other, is_same
):
    hand_typed(modules, f"{row('a', one)}\n{row('b', other)}")
    code, _, wrong = modules.check(capsys, "scope")
    assert (code == 1) == is_same == ("the same input stands already at golden/scope.jsonl:1" in wrong)


def test_the_same_input_with_another_right_answer_has_to_be_decided(modules, capsys):
    other = row("b", expected='{"label": "other"}')
    hand_typed(modules, f"{row('a')}\n{other}")
    wrong = modules.check(capsys, "scope")[2]
    assert "stands already, with another right answer, at golden/scope.jsonl:1" in wrong
    assert "decide which of the two is right" in wrong


def test_a_row_without_a_right_answer_is_not_said_to_have_another_one(modules, capsys):
    own = GOLDEN["scope"][0]
    modules.rows("golden/scope.jsonl", [own, (own[0], {})])
    _, _, wrong = modules.check(capsys)
    assert "`scope-2`: the same input stands already at golden/scope.jsonl:1" in wrong
    assert "with another right answer" not in wrong
