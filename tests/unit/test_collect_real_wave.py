"""A full wave on 7,453 real sentences: out in three formats, filled in, collected without loss."""

import pytest

from tests.real_wave import RealWave, give_out

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def real(shared_data, tmp_path_factory) -> RealWave:
    return give_out(shared_data, tmp_path_factory.mktemp("real"))


@pytest.mark.parametrize(
    ("ann", "ben"), [("csv", "xlsx"), ("xlsx", "page"), ("page", "csv")], ids=lambda form: form
)
def test_no_label_of_the_real_annotators_is_lost_or_changed(real, tmp_path, ann, ben):
    for annotator, form in (("ann", ann), ("ben", ben)):
        getattr(real, f"fill_{form}")(annotator, tmp_path)
    collected = real.collect(tmp_path)
    assert collected.ratings["level"] == real.ratings()
    assert collected.status.state == "complete"
    assert collected.status.annotators["ann"].answered == 7453


def test_the_published_share_of_exact_agreement_comes_out(real, tmp_path):
    for annotator in ("ann", "ben"):
        real.fill_csv(annotator, tmp_path)
    ratings = real.collect(tmp_path).ratings["level"].values()
    same = sum(one["ann"] == one["ben"] for one in ratings)
    assert round(same / len(ratings), 4) == 0.4271
