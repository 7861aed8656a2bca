"""docs/tutorial.md: its commands run as they stand, and what it says of them is so."""

import pytest

from tests.tutorial_run import PAGES, PICTURES, TUTORIAL, TutorialRun
from tests.typed_pages import Picture, Typed, steps_of

STEPS = list(steps_of(TUTORIAL))
# Two minutes of a quiet machine, all of them in the fixture; many more of a busy one.
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """The page, typed: each command with what it said, and the pictures whose pages are missing."""
    run = TutorialRun(tmp_path_factory.mktemp("tutorial"))
    said, missing = [], []
    for step in STEPS:
        output = run.take(step)
        if isinstance(step, Typed):
            said.append((step, output))
        if isinstance(step, Picture) and not (run.place / PAGES[step.name]).is_file():
            missing.append(step.name)
    return said, missing


def test_the_page_shows_what_its_commands_say(typed):
    for step, said in typed[0]:
        step.assert_shown(said)


def test_each_picture_is_of_a_page_that_is_there_by_then(typed):
    shown = [step.name for step in STEPS if isinstance(step, Picture)]
    assert shown and not typed[1]
    assert {path.stem for path in PICTURES.glob("tutorial_*.png")} == set(shown)
