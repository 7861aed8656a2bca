"""Keys come from the environment, then from the project's `.env`, which is read and never written."""

import os
import stat
from pathlib import Path

import pytest

from goldpan.errors import ProviderError
from goldpan.providers.keys import Keys


def keys(root: Path, text: str | None = None, **environment: str) -> Keys:
    if text is not None:
        (root / ".env").write_text(text)
    return Keys(root, environment)


def test_a_key_is_read_from_dotenv(tmp_path):
    text = "# ours\n\nexport OTHER=x\nMY_KEY='sk-one two' # why\nMINE=\"a\"\n"
    assert keys(tmp_path, text).get("MY_KEY") == "sk-one two"


def test_the_environment_comes_first(tmp_path):
    assert keys(tmp_path, "MY_KEY=file\n", MY_KEY="environment").get("MY_KEY") == "environment"


def test_an_empty_variable_does_not_hide_the_one_in_the_file(tmp_path):
    assert keys(tmp_path, "MY_KEY=file\n", MY_KEY=" ").get("MY_KEY") == "file"


def test_nothing_is_put_into_the_environment_and_the_file_stays_as_it_was(tmp_path):
    text = "GOLDPAN_TEST_KEY=one\nGOLDPAN_TEST_OTHER=two\n"
    looked = keys(tmp_path, text)
    before = (tmp_path / ".env").stat().st_mtime_ns
    assert looked.get("GOLDPAN_TEST_KEY") == "one"
    assert not {"GOLDPAN_TEST_KEY", "GOLDPAN_TEST_OTHER"} & os.environ.keys()
    assert (tmp_path / ".env").read_text() == text and (tmp_path / ".env").stat().st_mtime_ns == before


def test_nothing_in_the_file_is_expanded(tmp_path):
    assert keys(tmp_path, "MY_KEY=${HOME}$(id)\n", HOME="/home/me").get("MY_KEY") == "${HOME}$(id)"


def test_a_missing_key_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(ProviderError) as caught:
        keys(tmp_path).require("MY_KEY", "the API key")
    assert f"in the environment, then in {tmp_path / '.env'}, which does not exist" in caught.value.what
    with pytest.raises(ProviderError) as caught:
        keys(tmp_path, "OTHER=1\n").require("MY_KEY", "the API key")
    assert caught.value.what.endswith(f"then in {tmp_path / '.env'})")


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"A=1\n\n\nMY_KEY='sk-secret\nB=2\n", 4), (b"sk-secret\n", 1), (b"A=1\n=sk-secret\n", 2)],
    ids=["open quote", "a bare key", "no name"],
)
def test_a_malformed_line_is_named_and_not_shown(tmp_path, content, line):
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(ProviderError) as caught:
        keys(tmp_path).get("MY_KEY")
    assert caught.value.where == f"{tmp_path / '.env'}, line {line}" and "secret" not in str(caught.value)


def test_a_file_that_is_not_utf8_is_named(tmp_path):
    (tmp_path / ".env").write_bytes(b"MY_KEY=\xff\n")
    with pytest.raises(ProviderError, match="not UTF-8"):
        keys(tmp_path).get("MY_KEY")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / ".env").mkdir(mode=stat.S_IRWXU)
    with pytest.raises(ProviderError, match="keys cannot be read from it: Is a directory"):
        keys(tmp_path).get("MY_KEY")


def test_a_broken_file_stops_nobody_whose_key_is_in_the_environment(tmp_path):
    looked = keys(tmp_path, "'\n", MY_KEY="sk-environment")
    assert looked.get("MY_KEY") == "sk-environment"
    assert looked.secrets(["MY_KEY", "OTHER"]) == ["sk-environment"]


def test_the_usual_variables_are_secrets_whether_or_not_a_study_names_them(tmp_path):
    looked = keys(tmp_path, "AZURE_API_KEY=azure\n", OPENAI_API_KEY="openai", MINE="mine")
    assert sorted(looked.secrets(["MINE"])) == ["azure", "mine", "openai"]
