"""Bands stand only beside the coefficients that they were made for, and labels that nobody gave are shown."""

import json

import pytest

from goldpan.cli import main
from goldpan.statistics.bands import band
from goldpan.statistics.scales import Scale
from goldpan.waves.agreement.formatting import TITLES
from goldpan.waves.agreement.measure import FeatureRatings, measure
from goldpan.waves.agreement.page import agreement_page
from goldpan.waves.agreement.report import AgreementReport
from goldpan.waves.agreement.text import report_text


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (-0.001, "Poor"),
        (0.0, "Slight"),
        (0.2, "Slight"),
        (0.2001, "Fair"),
        (0.4, "Fair"),
        (0.6, "Moderate"),
        (0.1 + 0.2 + 0.3, "Moderate"),
        (0.61, "Substantial"),
        (0.8, "Substantial"),
        (0.81, "Almost Perfect"),
        (1.0, "Almost Perfect"),
        (None, None),
    ],
)
def test_bands_of_kappa_hold_their_upper_bound(value, name):
    assert band("cohen_kappa", value) == name


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (-0.2, "Not reliable"),
        (0.6669, "Not reliable"),
        (0.667, "Tentative"),
        (0.7999, "Tentative"),
        (0.8, "Reliable"),
        (0.1 + 0.7, "Reliable"),
        (1.0, "Reliable"),
    ],
)
def test_bands_of_alpha_hold_their_lower_bound(value, name):
    assert band("krippendorff_alpha_ordinal", value) == name


def test_kappa_and_alpha_have_bands_and_nothing_else():
    with_band = {name for name in TITLES if band(name, 0.7)}
    assert with_band == {
        name for name in TITLES if "kappa" in name or "alpha" in name or name == "scott_pi"
    } - {"randolph_kappa"}


PAIRS = ["aa"] * 12 + ["bb"] * 9 + ["ab"] * 4


def write_table(path, pairs=PAIRS):
    rows = [f"{number},{first},{second}" for number, (first, second) in enumerate(pairs)]
    path.write_text("\n".join(["item_id,annotator_a,annotator_b", *rows]) + "\n")
    return path


def test_the_command_gives_ac1_and_pabak_no_band(tmp_path, capsys):
    assert main(["agreement", str(write_table(tmp_path / "t.csv")), "--json"]) == 0
    feature = json.loads(capsys.readouterr().out)["features"][0]
    assert {one["name"]: one["band"] for one in feature["coefficients"]} == {
        "cohen_kappa": "Substantial",
        "scott_pi": "Substantial",
        "gwet_ac1": None,
        "pabak": None,
        "krippendorff_alpha_nominal": "Tentative",
    }
    assert feature["observed_agreement"]["band"] is None
    assert feature["labels"][0]["specific_agreement"]["band"] is None


def nominal(labels):
    ratings = {f"{number}": dict(zip("pq", pair, strict=True)) for number, pair in enumerate(PAIRS)}
    return measure(FeatureRatings("f", Scale("nominal", labels), ratings))


def test_labels_that_nobody_gave_are_named_with_what_they_do_to_ac1_and_pabak():
    few, many = nominal(("a", "b")), nominal(("a", "b", "c", "d", "e"))
    (note,) = [note for note in many.notes if "given by nobody" in note]
    assert "3 of 5 labels were given by nobody: `c`, `d`, `e`." in note
    for name in ("gwet_ac1", "pabak"):
        assert f"{few.coefficient(name).value:.4f}" in note
        assert f"{many.coefficient(name).value:.4f}" in note
        assert many.coefficient(name).value > few.coefficient(name).value
    assert not any("given by nobody" in note for note in few.notes)


def test_labels_that_nobody_gave_stand_in_the_tables_and_the_picture():
    report = AgreementReport("T", (nominal(("a", "b", "never")),))
    text = report_text(report)
    assert text.count("\nnever ") == 2
    assert "<title>p: never, q: never: 0</title>" in agreement_page(report)


def test_a_picture_that_has_no_room_for_them_says_how_many_are_left_out():
    labels = ("a", "b", *(f"label {number}" for number in range(60)))
    report = AgreementReport("T", (nominal(labels),))
    assert "Not shown: 60 labels that neither of the two gave." in report_text(report)
    assert "Not shown: 60 labels that neither of the two gave." in agreement_page(report)


def test_a_wide_interval_names_the_bands_it_reaches_into():
    result = nominal(("a", "b"))
    (note,) = [note for note in result.notes if "may be anything" in note]
    interval = result.coefficient("cohen_kappa").interval
    low, high = (band("cohen_kappa", bound) for bound in (interval.low, interval.high))
    assert low != high
    assert f"its band may be {low} or {high}" in note


def test_both_reports_say_whose_bands_they_are():
    report = AgreementReport("T", (nominal(("a", "b")),))
    for shown in (report_text(report, verbose=True), agreement_page(report)):
        assert "Landis and Koch" in shown
        assert "reliable from 0.800, good for tentative conclusions from 0.667" in shown
