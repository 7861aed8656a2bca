"""Agreement where all answers are alike or all differ: no interval and no standard error claims certainty."""

import json

import pytest

from goldpan.cli import main

LETTERS = "abcde"
ONE_LABEL = [["no"]] * 20
ALIKE = [[["no", "yes"][item % 2]] for item in range(20)]
NUMBERS = [[str(item % 4 + 1)] for item in range(20)]


def rows_of(name, annotators):
    if name == "all differ":
        return [[LETTERS[(item + who) % annotators] for who in range(annotators)] for item in range(20)]
    if name == "all numbers differ":
        return [[str((item + who) % annotators + 1) for who in range(annotators)] for item in range(20)]
    if name == "cells missing":
        return [["" if who == item % annotators else "no" for who in range(annotators)] for item in range(20)]
    rows = {"one label": ONE_LABEL, "alike": ALIKE, "alike numbers": NUMBERS, "five": ONE_LABEL[:5]}
    rows["three hundred"] = ONE_LABEL * 15
    return [row * annotators for row in rows[name]]


def write_table(folder, rows, header=None):
    header = header or ["item_id", *(f"annotator_{LETTERS[who]}" for who in range(len(rows[0])))]
    lines = [",".join([f"i{item}", *row]) for item, row in enumerate(rows)]
    path = folder / "t.csv"
    path.write_text("\n".join([",".join(header), *lines]) + "\n")
    return path


def measured(path, capsys, *options):
    assert main(["agreement", str(path), "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)["features"][0]


def with_paths(node, path="", key="interval"):
    """Each object of a JSON document that has a key, with where it stands."""
    if isinstance(node, dict):
        if key in node:
            yield path, node
        for name, value in node.items():
            yield from with_paths(value, f"{path}.{name}", key)
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from with_paths(value, f"{path}[{place}]", key)


@pytest.mark.parametrize("annotators", [2, 3, 4])
@pytest.mark.parametrize(
    "name",
    [
        "one label",
        "five",
        "three hundred",
        "alike",
        "cells missing",
        "all numbers differ",
    ],
)
def test_no_interval_is_without_width_and_each_that_is_missing_has_a_reason(
    name, annotators, tmp_path, capsys
):
    feature = measured(write_table(tmp_path, rows_of(name, annotators)), capsys)
    for where, figure in with_paths(feature):
        if figure["interval"] is None:
            assert figure["reason"], where
        else:
            assert figure["interval"]["high"] - figure["interval"]["low"] > 1e-6, where
    for where, figure in with_paths(feature, key="standard_error"):
        assert figure["standard_error"] is None or figure["standard_error"] > 1e-6, where


@pytest.mark.parametrize("annotators", [3, 5])
def test_agreement_of_all_on_one_label_has_the_interval_that_two_annotators_have(
    annotators, tmp_path, capsys
):
    two, more = (
        measured(write_table(tmp_path, rows_of("one label", number)), capsys)["observed_agreement"]
        for number in (2, annotators)
    )
    assert more["interval"]["low"] == pytest.approx(0.8389, abs=1e-4)
    assert more["interval"]["low"] == two["interval"]["low"]
    assert more["reason"] is None


def test_cohens_kappa_of_minus_one_has_no_standard_error(tmp_path, capsys):
    feature = measured(write_table(tmp_path, rows_of("all differ", 2)), capsys)
    (kappa,) = [one for one in feature["coefficients"] if one["name"] == "cohen_kappa"]
    assert (kappa["value"], kappa["standard_error"]) == (-1, None)


def test_kappa_against_one_label_is_said_to_be_0_by_construction(tmp_path, capsys):
    rows = [["no", "no"]] * 45 + [["no", "yes"]] * 5
    notes = measured(write_table(tmp_path, rows), capsys)["notes"]
    assert any("a gave `no` only" in note and "0 by construction" in note for note in notes)
    assert not any("because" in note for note in notes)


def test_of_three_annotators_the_one_with_one_label_is_named(tmp_path, capsys):
    rows = [["no", "no", "no"]] * 40 + [["yes", "no", "yes"]] * 10
    notes = measured(write_table(tmp_path, rows), capsys)["notes"]
    assert any(note.startswith("b gave `no` only. Cohen's kappa of a pair") for note in notes)


def test_pairs_who_share_two_items_are_left_out_of_the_mean_correlation(tmp_path, capsys):
    rows = [[str(item % 5 + 1), str((item + item % 2) % 5 + 1), ""] for item in range(20)]
    rows[0][2], rows[1][2] = "1", "5"
    feature = measured(write_table(tmp_path, rows), capsys)
    (mean,) = [one for one in feature["coefficients"] if one["name"] == "mean_pairwise_pearson"]
    (pair,) = [one for one in feature["pairs"][0]["coefficients"] if one["name"] == "pearson"]
    assert mean["value"] == pair["value"]
    assert "2 of 3 pairs have no correlation" in mean["reason"]
