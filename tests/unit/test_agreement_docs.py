"""Everything that can stand in the reports is explained in docs/agreement.md."""

import typing

import pytest

from goldpan.study.wave import Strategy
from goldpan.waves.agreement.formatting import TITLES
from goldpan.waves.merging.merged import Resolution

NAMES = [*TITLES, *map(str, Resolution), *typing.get_args(Strategy)]


@pytest.mark.parametrize("name", sorted(set(NAMES)))
def test_a_name_in_the_reports_is_documented(project, name):
    assert f"`{name}`" in (project / "docs" / "agreement.md").read_text()
