"""7,453 real sentences with the levels of two annotators, as a wave that is given out in three formats."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import orjson
from openpyxl import load_workbook

from goldpan.study.wave import Wave
from goldpan.tasks.features import Score
from goldpan.waves.codebook import Codebook
from goldpan.waves.collect.collected import CollectedWave
from goldpan.waves.collect.filled import GivenOut
from goldpan.waves.collect.folder import collect
from goldpan.waves.items import Item
from goldpan.waves.sampling.answered import StageFiles
from goldpan.waves.sampling.draw import draw_sample
from goldpan.waves.sheets.write import render_sheets, write_sheets
from tests.wave_builders import codebook, wave, write_stage

LEVEL = Score(name="level", type="score", description="CEFR level, 1 for A1 to 6 for C2.", min=1, max=6)


@dataclass
class RealWave:
    """The wave, given out.

    Attributes:
        folder: where `sheets/` lies.
        levels: annotator -> item id -> level, as the real annotators gave them.
    """

    folder: Path
    wave: Wave
    codebook: Codebook
    items: dict[str, Item]
    levels: dict[str, dict[str, int]]

    def fill_csv(self, annotator: str, target: Path) -> None:
        """Fill in an annotator's CSV sheet."""
        text = (self.folder / "sheets" / f"{annotator}.csv").read_bytes().decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        for row in rows:
            row["level"] = str(self.levels[annotator][row["item_id"]])
        target.mkdir(parents=True, exist_ok=True)
        with (target / f"{annotator}.csv").open("w", encoding="utf-8-sig", newline="") as handle:
            writer = csv.DictWriter(handle, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def fill_xlsx(self, annotator: str, target: Path) -> None:
        """Fill in an annotator's workbook, with numbers as a spreadsheet has them."""
        book = load_workbook(self.folder / "sheets" / f"{annotator}.xlsx")
        page = book["items"]
        column = {cell.value: cell.column for cell in page[1]}
        for row in range(2, page.max_row + 1):
            level = self.levels[annotator][page.cell(row, column["item_id"]).value]
            page.cell(row, column["level"]).value = float(level)
        target.mkdir(parents=True, exist_ok=True)
        book.save(target / f"{annotator}.xlsx")

    def fill_page(self, annotator: str, target: Path) -> None:
        """Write what an annotator's page exports when all is answered."""
        exported = {
            "kind": "goldpan answers",
            "study": "cefr",
            "wave": "all",
            "annotator": annotator,
            "codebook_hash": self.codebook.hash,
            "answers": [
                {"item_id": item_id, "values": {"level": level}}
                for item_id, level in self.levels[annotator].items()
            ],
        }
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{annotator}.json").write_bytes(orjson.dumps(exported))

    def collect(self, folder: Path) -> CollectedWave:
        """What is collected from a folder of filled sheets."""
        return collect(folder, GivenOut("cefr", "all", self.wave, self.codebook, self.items))

    def ratings(self) -> dict[str, dict[str, int]]:
        """What must be collected: item id -> annotator -> level."""
        return {
            item_id: {name: self.levels[name][item_id] for name in ("ann", "ben")} for item_id in self.items
        }


def give_out(data: Path, folder: Path) -> RealWave:
    """Draw the wave of all sentences and write its sheets."""
    lines = [
        line.split("\t")
        for file in sorted((data / "two_annotators").glob("*.txt"))
        for line in file.read_text(encoding="utf-8").split("\n")
        if line.strip()
    ]
    rows = [
        (
            {"id": f"s{number}", "features": {"level": {"type": "ScorePrediction", "score": 3}}},
            {"sentence": text},
        )
        for number, (text, *_) in enumerate(lines)
    ]
    features, records = write_stage(folder, rows)
    study_wave = wave(formats=["csv", "xlsx", "html"])
    sample = draw_sample("cefr", "all", study_wave, {"level": LEVEL}, StageFiles(features, records))
    items = sample.items
    book = codebook(LEVEL)
    llm = {item_id: row["features"] for item_id, row in sample.llm.items()}
    write_sheets(folder / "sheets", render_sheets("cefr", "all", study_wave, book, items, llm))
    given = {f"s{number}": (int(a), int(b)) for number, (_, a, b) in enumerate(lines)}
    levels = {
        name: {item_id: given[item.id][place] for item_id, item in items.items()}
        for place, name in enumerate(("ann", "ben"))
    }
    return RealWave(folder, study_wave, book, items, levels)
