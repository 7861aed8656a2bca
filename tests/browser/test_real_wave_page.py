"""7,453 real sentences answered in the browser, key by key, and collected."""

import pytest

from goldpan.waves.sheets.sheet import make_sheet
from tests.browser.conftest import OpenPage
from tests.real_wave import give_out


@pytest.mark.slow
def test_all_levels_of_a_real_annotator_are_pressed_exported_and_collected(shared_data, profile, tmp_path):
    real = give_out(shared_data, tmp_path)
    sheet = make_sheet("cefr", "all", real.wave, "ann", list(real.items.values()), real.codebook)
    page = OpenPage(profile.new_page(), tmp_path / "sheets" / "ann.html").open()
    for number, row in enumerate(sheet.rows, 1):
        page.press(str(real.levels["ann"][row.item_id]))
        if number == 5000:
            page.tab.reload()
            assert page.text("#count") == "5000 of 7453 answered"
    assert page.text("#notice").startswith("All 7453 are answered")
    page.export(tmp_path / "filled")
    real.fill_xlsx("ben", tmp_path / "filled")
    collected = real.collect(tmp_path / "filled")
    assert collected.ratings["level"] == real.ratings() and collected.status.state == "complete"
