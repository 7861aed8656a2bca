"""The baseline's TF-IDF against scikit-learn's, which the tests have and a study need not."""

import numpy as np
import pytest

from goldpan.providers.local.evidence import Targets, sentences_of
from goldpan.providers.local.tfidf import STEM_LETTERS, Tfidf
from tests.bench.measuring import CHECKOUT

TEXT = (CHECKOUT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def theirs():
    text = pytest.importorskip("sklearn.feature_extraction.text")
    return text.TfidfVectorizer(
        token_pattern=rf"(?u)\b(\w{{2,{STEM_LETTERS}}})\w*",
        stop_words=sorted({word[:STEM_LETTERS] for word in text.ENGLISH_STOP_WORDS}),
        sublinear_tf=True,
    )


def test_similarities_are_the_same_to_the_last_bit(theirs):
    sentences = sentences_of(TEXT)
    targets = sentences[::7]
    fitted = theirs.fit_transform(targets).T.tocsc()
    expected = (theirs.transform(sentences) @ fitted).toarray()
    assert expected.any()
    assert np.array_equal(Targets(targets).evidence(sentences).similarity, expected)


def test_weights_have_the_same_length_and_size(theirs):
    sentences = sentences_of(TEXT)
    fitted, ours = theirs.fit_transform(sentences), Tfidf(sentences)
    assert ours.size == fitted.shape[1]
    assert [len(vector) for vector in ours.vectors] == np.diff(fitted.indptr).tolist()


def test_texts_without_words_are_near_to_nothing():
    evidence = Targets(["", "the"]).evidence(["a sentence"])
    assert (evidence.best, evidence.best_sentence) == ([0.0, 0.0], [0, 0])
    assert Targets(["trains"]).evidence([]).best == [0.0]
