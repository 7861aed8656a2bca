"""Agreement of a collected wave, and what its report says about how the wave was made."""

from dataclasses import replace

from goldpan.tasks.features import Binary, Score
from goldpan.waves.agreement.text import report_text
from goldpan.waves.agreement.wave import measure_wave, wave_notes
from goldpan.waves.codebook import Codebook
from goldpan.waves.collect.collected import AnnotatorStatus, CollectedWave, JoinedAnswer, WaveStatus

CODEBOOK = Codebook(
    (
        Binary(type="binary", name="toxic", description="d"),
        Score(type="score", name="grade", description="d", min=1, max=3),
    ),
    "task hash",
)


def answer(number, annotator, showing=1, **values):
    return JoinedAnswer(f"i{number}", annotator, showing, values, False, "", None, [])


def wave(answers, annotators, layout="task", blind=True):
    state = "complete" if all(one.is_complete for one in annotators.values()) else "partial"
    return CollectedWave(answers, WaveStatus("demo", "pilot", state, blind, layout, "c" * 12, annotators))


def two(count=10, **more):
    answers = [
        answer(number, name, toxic=number % 2 == 0, grade=1 + (number + (name == "ben")) % 3)
        for number in range(count)
        for name in ("ann", "ben")
    ]
    return wave(answers, {name: AnnotatorStatus(10, answered=count) for name in ("ann", "ben")}, **more)


def test_every_feature_of_the_codebook_is_measured_on_its_scale():
    report = measure_wave(two(), CODEBOOK, ("ann", "ben"))
    assert [(one.feature, one.kind, one.paired_items) for one in report.features] == [
        ("toxic", "nominal", 10),
        ("grade", "ordered", 10),
    ]
    assert [one.label for one in report.features[0].labels] == ["no", "yes"]
    assert report.features[0].observed.value == 1.0
    assert report.features[1].observed.value == 0.0


def test_second_showings_are_self_agreement_and_nothing_else():
    collected = two()
    again = [answer(number, "ann", 2, toxic=True) for number in range(4)]
    report = measure_wave(
        CollectedWave([*collected.answers, *again], collected.status), CODEBOOK, ("ann", "ben")
    )
    toxic, grade = report.features
    assert [(one.first, one.items, one.observed.value) for one in toxic.repeats] == [("ann, first", 4, 0.5)]
    assert grade.repeats == ()
    assert toxic.observed.value == 1.0


def test_an_annotator_without_a_sheet_is_named_with_what_is_left():
    collected = two(count=7)
    report = measure_wave(collected, CODEBOOK, ("ann", "ben"))
    assert "Partial: ann has not fully answered 3 of 10 items." in report.notes
    nobody = wave([], {"ann": AnnotatorStatus(10), "ben": AnnotatorStatus(10)})
    report = measure_wave(nobody, CODEBOOK, ("ann", "ben"))
    assert report.features[0].observed.value is None
    assert "10 of 10" in report_text(report)


def test_a_shared_sheet_is_marked_in_every_report():
    report = measure_wave(two(layout="side_by_side", blind=False), CODEBOOK, ("ann", "ben"))
    assert report.blind is False
    text = report_text(report)
    assert "NOT blind" in text
    assert "side by side" in text


def test_a_wave_that_was_drawn_from_a_trial_says_so():
    status = replace(two().status, trial={"shop": 20})
    assert "drawn from a trial: only the first 20 rows of shop" in " ".join(wave_notes(status))
