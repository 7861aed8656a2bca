"""Items of one group are drawn together, in plain tables and in waves."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from goldpan.cli import main
from goldpan.statistics.samples import sample_of_answers
from goldpan.statistics.standard_errors import standard_errors
from goldpan.study import load_project
from goldpan.waves.agreement.closed_labels import LabelSet, two_annotators
from goldpan.waves.steps.run import WaveRun
from goldpan.workflow.wave_inputs import WaveInputs
from tests.filled_sheets import fill_csv
from tests.projects import WorkflowProject
from tests.wave_builders import note_answers, write_stage, write_wave_study


def answers(groups, size, annotators=2, seed=1, kappa=0.6):
    """Codes of groups of identical items, (groups * size, m), and their groups; yes in 30 %."""
    generator = np.random.default_rng(seed)
    truth = generator.random(groups) < 0.3
    noise = generator.random((groups, annotators)) < 0.3
    sees = generator.random((groups, annotators)) < np.sqrt(kappa)
    codes = np.where(sees, truth[:, None], noise).astype(int)
    return codes.repeat(size, axis=0), np.arange(groups).repeat(size)


def write_table(path, codes, groups, empty=()):
    rows = [
        f"i{item},{'' if item in empty else f'talk {group}'},{','.join(['no', 'yes'][code] for code in row)}"
        for item, (row, group) in enumerate(zip(codes, groups, strict=True))
    ]
    header = ",".join(["item_id", "talk", *(f"annotator_{name}" for name in "abcd"[: codes.shape[1]])])
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def measured(path, capsys, *options):
    assert main(["agreement", str(path), "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)["features"][0]


def width(figure):
    return figure["interval"]["high"] - figure["interval"]["low"]


@pytest.mark.parametrize("annotators", [2, 3])
def test_groups_of_identical_items_give_the_intervals_of_so_many_items(annotators, tmp_path, capsys):
    codes, groups = answers(40, 3, annotators)
    path = write_table(tmp_path / "t.csv", codes, groups)
    alone = measured(write_table(tmp_path / "one.csv", codes[::3], groups[::3]), capsys)
    apart, together = measured(path, capsys), measured(path, capsys, "--group", "talk")
    assert (apart["groups"], together["groups"]) == (None, 40)
    for name in ("krippendorff_alpha_nominal", "gwet_ac1"):
        one, item, group = (
            next(figure for figure in feature["coefficients"] if figure["name"] == name)
            for feature in (alone, apart, together)
        )
        assert group["value"] == item["value"]
        assert width(group) > 1.4 * width(item)
        assert width(group) == pytest.approx(width(one), rel=0.15)
        assert group["standard_error"] > 1.6 * item["standard_error"]
    assert width(together["observed_agreement"]) > 1.4 * width(apart["observed_agreement"])
    assert width(together["labels"][1]["kappa"]) > 1.3 * width(apart["labels"][1]["kappa"])
    assert width(together["biases"][0]) > 1.4 * width(apart["biases"][0])
    assert any("40 groups by `talk`" in note and "p-values" in note for note in together["notes"])


def test_the_standard_error_over_groups_of_identical_items_is_that_of_one_of_each():
    codes, groups = answers(40, 3)
    labels = LabelSet(2)
    together = {one.name: one for one in two_annotators(codes, labels, groups)}
    alone = {one.name: one for one in two_annotators(codes[::3], labels)}
    for name in ("cohen_kappa", "scott_pi", "gwet_ac1"):
        assert together[name].standard_error == pytest.approx(alone[name].standard_error, rel=0.02)


def test_groups_of_one_item_change_nothing():
    codes, _ = answers(50, 1)
    assert two_annotators(codes, LabelSet(2), np.arange(50)) == two_annotators(codes, LabelSet(2))


def test_all_alike_in_groups_has_the_interval_of_so_many_groups(tmp_path, capsys):
    codes = np.zeros((60, 3), dtype=int)
    path = write_table(tmp_path / "t.csv", codes, np.arange(20).repeat(3))
    together = measured(path, capsys, "--group", "talk")["observed_agreement"]
    assert together["interval"]["low"] == pytest.approx(0.8389, abs=1e-4)


def test_an_empty_cell_is_a_group_of_its_own(tmp_path, capsys):
    codes, groups = answers(10, 3)
    path = write_table(tmp_path / "t.csv", codes, groups, empty={0, 1})
    assert measured(path, capsys, "--group", "talk")["groups"] == 12


def test_too_few_groups_are_said_and_items_taken_for_themselves(tmp_path, capsys):
    codes, groups = answers(4, 20)
    path = write_table(tmp_path / "t.csv", codes, groups)
    apart, together = measured(path, capsys), measured(path, capsys, "--group", "talk")
    assert together["coefficients"] == apart["coefficients"]
    assert any("4 groups by `talk`, too few" in note for note in together["notes"])


def test_a_column_that_is_not_there_is_refused(tmp_path, capsys):
    path = write_table(tmp_path / "t.csv", *answers(10, 2))
    assert main(["agreement", str(path), "--group", "tlak"]) != 0
    assert "talk" in capsys.readouterr().err


def test_tables_batch_draws_by_the_group_of_the_gold_set(tmp_path, capsys):
    path = write_table(tmp_path / "t.csv", *answers(20, 2))
    command = ["tables", "batch", str(path), "--group", "talk", "--strategy", "annotator_a"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    (report,) = (tmp_path / "out").glob("*/agreement.json")
    assert json.loads(report.read_text())["features"][0]["groups"] == 20
    assert "20 groups by `talk`" in next((tmp_path / "out").glob("*/agreement.html")).read_text()


def test_a_group_moves_as_a_whole():
    codes, groups = answers(10, 4)
    sample = sample_of_answers(codes, 2, groups)
    (error,) = standard_errors(
        sample, lambda weights: (weights @ sample.codes[:, :1]) / weights.sum(1)[:, None]
    )
    share = codes[::4, 0].mean()
    assert error == pytest.approx((share * (1 - share) / 9) ** 0.5, rel=1e-3)


@pytest.mark.slow
def test_intervals_over_groups_hold_where_those_over_items_do_not():
    held = np.zeros(2)
    for seed in range(80):
        codes, groups = answers(30, 3, seed=seed)
        for place, known in enumerate((groups, None)):
            interval = two_annotators(codes, LabelSet(2), known)[0].interval
            held[place] += interval is None or interval.low <= 0.6 <= interval.high
    assert held[0] / 80 > 0.9
    assert held[1] / 80 < 0.87


def test_a_wave_draws_by_the_group_of_its_gold_set(tmp_path):
    project = WorkflowProject.create(tmp_path)
    write_wave_study(project, gold={"group": "data.text"})
    answered = [(row, {"text": f"Talk {at // 2}."}) for at, (row, _) in enumerate(note_answers(12))]
    write_stage(project.artifact("stages/topics"), answered)
    run = WaveRun(load_project("notes", root=tmp_path), "check")
    run.draw()
    run.write_sample()
    run.write_sheets()
    for name in ("ann", "ben"):
        sheet = project.artifact(f"waves/check/sheets/{name}.csv")
        filled = project.root / f"annotations/notes/check/{name}.csv"
        fill_csv(sheet, filled, lambda item: {"topic": "weather", "urgent": "no", "length": "1"})
    run = WaveRun(load_project("notes", root=tmp_path), "check")
    run.collect()
    text = run.measure()
    assert "The 12 items come in 6 groups by `data.text`" in text
    report = json.loads(project.artifact("waves/check/agreement.json").read_text())
    assert {feature["groups"] for feature in report["features"]} == {6}
    run.merge()
    run.freeze()
    inputs = WaveInputs(load_project("notes", root=tmp_path), {"topics": []})
    (sample,) = inputs.grouping_sample(SimpleNamespace(wave="check"))
    assert (tmp_path / sample).exists()
