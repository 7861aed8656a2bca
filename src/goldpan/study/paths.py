"""The one place where the names of artifacts are written.

Methods return strings relative to the project root, with Snakemake wildcards where a placeholder such as
`{shard}` is passed in, so that rules and library agree by construction.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_DROPPED = re.compile(r"\.(jsonl(\.gz|\.zst)?|h5|hdf5)$", re.IGNORECASE)
GOLD_FILES = ("train.jsonl", "dev.jsonl", "test.jsonl", "gold.csv", "card.md", "croissant.json")
PAPER_FILES = ("methods.md", "methods.tex", "references.bib", "numbers.json", "README.md")
"""Of the paper kit, those that every study has; tables, figures and checklists lie beside them."""
STAND_IN = ".stand_in"
PDF_PAGES = ".pages.ndjson"
TEST_LOOKS = ".test_looks.jsonl"
"""Ends the name of a file beside labels that counts the looks at their test split."""
_LONGEST_NAME = 210
"""Characters of a short name. A file's name has 255 at most, and the longest that is made of a short one is
`.NAME.jsonl.zst.counts.json.PID.RANDOM.part`."""


def tasks_folder(root: Path) -> Path:
    """Where a project has its task files."""
    return root / "config" / "tasks"


def studies_folder(root: Path) -> Path:
    """Where a project has its study files."""
    return root / "config" / "studies"


def derived_studies_folder(root: Path) -> Path:
    """Where the studies are written that are derived from others: some of the rows, or another model."""
    return studies_folder(root) / "derived"


class Paths:
    """Names of a study's artifacts.

    Args:
        results: folder of all results, relative to the project root.
        study: name of the study (or the placeholder `{study}`).
    """

    def __init__(self, results: str, study: str):
        self.results = results.rstrip("/")
        self.base = f"{self.results}/{study}"

    def records(self, source: str, file: str) -> str:
        """Records of one source file."""
        return f"{self.base}/sources/{source}/{file}.jsonl"

    def pdf_pages(self, source: str, file: str) -> str:
        """The extracted pages of a PDF; its records are made of them."""
        return f"{self.base}/sources/{source}/{file}{PDF_PAGES}"

    def stand_in(self, source: str, file: str) -> str:
        """A link to a source file whose own name Snakemake cannot take for a file's."""
        return f"{self.base}/sources/{source}/{file}{STAND_IN}"

    def limit(self, source: str) -> str:
        """How many rows of each file a limited source gives."""
        return f"{self.base}/sources/{source}/limit.json"

    def limited(self, source: str, file: str) -> str:
        """Stands beside the records of a file that were made within a limit; no rule knows it."""
        return f"{self.base}/sources/{source}/{file}.limited"

    def stage(self, stage: str) -> str:
        """Folder of a stage."""
        return f"{self.base}/stages/{stage}"

    def stage_records(self, stage: str) -> str:
        """What is to be asked, with skips and their reasons; one row per record."""
        return f"{self.stage(stage)}/records.jsonl"

    def round(self, stage: str, number: int | str) -> str:
        """Folder of one round of a stage."""
        return f"{self.stage(stage)}/round{number}"

    def plan(self, stage: str, number: int | str) -> str:
        """Counts, tokens and cost of a round, and its shards."""
        return f"{self.round(stage, number)}/requests/plan.json"

    def asked(self, stage: str, number: int | str) -> str:
        """One row per stage record: its request keys and what the round does about them."""
        return f"{self.round(stage, number)}/requests/asked.jsonl"

    def requests(self, stage: str, number: int | str, shard: str) -> str:
        """One request file as the provider gets it."""
        return f"{self.round(stage, number)}/requests/{shard}.jsonl"

    def batch(self, stage: str, number: int | str, shard: str) -> str:
        """The batch-id file of a shard."""
        return f"{self.round(stage, number)}/batches/{shard}.json"

    def answered(self, stage: str, number: int | str, shard: str) -> str:
        """What came of a shard that a model of one's own has answered: counts, tokens, device seconds."""
        return f"{self.round(stage, number)}/answered/{shard}.json"

    def completion(self, stage: str, number: int | str) -> str:
        """Every batch of the round is terminal."""
        return f"{self.round(stage, number)}/completion.json"

    def waiting(self, stage: str, number: int | str) -> str:
        """Batches of the round are open, and the study says not to wait for them."""
        return f"{self.round(stage, number)}/waiting.json"

    def raw(self, stage: str, number: int | str, shard: str) -> str:
        """The provider's lines of one shard, output and error."""
        return f"{self.round(stage, number)}/raw/{shard}.jsonl"

    def put_away(self, path: str, mark: str) -> str:
        """Where requests or raw lines of a stage that has ended lie compressed; no rule knows it."""
        return f"{path.removesuffix('.jsonl')}.{mark}.jsonl.zst"

    def settled(self, stage: str, number: int | str) -> str:
        """What the round answered and what is left for the next."""
        return f"{self.round(stage, number)}/settled.json"

    def features(self, stage: str) -> str:
        """One row per record of the stage, with its state."""
        return f"{self.stage(stage)}/features.jsonl"

    def features_parquet(self, stage: str) -> str:
        """The same as columns."""
        return f"{self.stage(stage)}/features.parquet"

    def summary(self, stage: str) -> str:
        """Counts by state that add up, label counts, usage and cost."""
        return f"{self.stage(stage)}/summary.json"

    def clusters(self, stage: str) -> str:
        """The clusters of a stage that puts names together, with their members and why each is there."""
        return f"{self.stage(stage)}/clusters.jsonl"

    def threshold(self, stage: str) -> str:
        """The threshold of a filter that is chosen from a gold set, and what it costs."""
        # Not by way of `stage`: a plan reads it, too, which puts what it makes itself elsewhere.
        return f"{self.base}/stages/{stage}/threshold.json"

    def chain(self, stage: str) -> str:
        """Counts from the rows of the sources to those of a stage, that add up from step to step."""
        return f"{self.stage(stage)}/chain.json"

    def duplicates(self, stage: str) -> str:
        """The records of a stage that share one answer, group by group."""
        return f"{self.stage(stage)}/duplicates.csv"

    def go_on(self, stage: str) -> str:
        """A person's word that a stage is to be asked on although most answers are bad."""
        return f"{self.stage(stage)}/go_on.json"

    def partial(self, stage: str, name: str) -> str:
        """A file of the features of a stage that has not ended; no rule ever reads it."""
        return f"{self.stage(stage)}/partial/{name}"

    def tables(self, stage: str, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """The features of each input file (source, file) beside its original columns.

        A table has the name of its file, with `.csv` at the end once. Where two files of a source would then
        get one name, or two that differ in case only (`notes`, `Notes.csv`), all of this source keep their
        whole names before it.
        """
        by_source: dict[str, list[str]] = {}
        for source, file in places:
            by_source.setdefault(source, []).append(file)
        tables = {}
        for source, files in by_source.items():
            bare = [file.removesuffix(".csv") for file in files]
            if len({name.casefold() for name in bare}) < len(bare):
                bare = files
            for file, name in zip(files, bare, strict=True):
                tables[source, file] = f"{self.stage(stage)}/tables/{source}/{name}.csv"
        return tables

    def wave(self, wave: str) -> str:
        """Folder of a wave."""
        return f"{self.base}/waves/{wave}"

    def sample(self, wave: str) -> str:
        """The items of a wave, one a line."""
        return f"{self.wave(wave)}/sample.jsonl"

    def sample_llm(self, wave: str) -> str:
        """The LLM's predictions for the items, kept apart so that no blind sheet can show them."""
        return f"{self.wave(wave)}/llm.jsonl"

    def sample_counts(self, wave: str) -> str:
        """Population and sample by stratum."""
        return f"{self.wave(wave)}/sample.json"

    def wave_changes(self, wave: str) -> str:
        """What has changed since the wave was given out."""
        return f"{self.wave(wave)}/changes.json"

    def sheet(self, wave: str, name: str) -> str:
        """One file given out to annotators."""
        return f"{self.wave(wave)}/sheets/{name}"

    def answers(self, wave: str) -> str:
        """The collected answers, joined by item id."""
        return f"{self.wave(wave)}/answers.jsonl"

    def wave_status(self, wave: str) -> str:
        """Who has answered how much, and what was repaired."""
        return f"{self.wave(wave)}/status.json"

    def agreement(self, wave: str, suffix: str) -> str:
        """Agreement as `json`, `html` or `txt`."""
        return f"{self.wave(wave)}/agreement.{suffix}"

    def merged(self, wave: str) -> str:
        """One label for each item and feature, and how it came about."""
        return f"{self.wave(wave)}/merged.csv"

    def disagreements(self, wave: str) -> str:
        """The rows that a person has to decide."""
        return f"{self.wave(wave)}/disagreements.csv"

    def adjudication(self, wave: str) -> str:
        """The page on which a person decides them."""
        return f"{self.wave(wave)}/adjudication.html"

    def gold(self, wave: str, name: str) -> str:
        """One file of the frozen gold set."""
        return f"{self.wave(wave)}/gold/{name}"

    def gold_splits(self, wave: str) -> list[str]:
        """The files with the items of a gold set, one for each split."""
        return [self.gold(wave, f"{split}.jsonl") for split in ("train", "dev", "test")]

    def embeddings(self, embedding: str, source: str, file: str) -> str:
        """The embeddings of one records file, as HDF5."""
        return f"{self.base}/embeddings/{embedding}/{source}/{file}.h5"

    def embedding_summary(self, embedding: str) -> str:
        """What became of the records, by file."""
        return f"{self.base}/embeddings/{embedding}/summary.json"

    def head(self, head: str, name: str) -> str:
        """One file of a head: its checkpoint, what it learned from, what it can do."""
        return f"{self.base}/heads/{head}/{name}"

    def annotated(self, annotated: str, source: str, name: str, suffix: str) -> str:
        """One row for each record of a file, with what the heads say about it; for `name` see
        `annotated_names`."""
        return f"{self.base}/annotated/{annotated}/{source}/{name}{suffix}"

    def annotated_counts(self, annotated: str, source: str, name: str, suffix: str) -> str:
        """What became of the records of one annotated file."""
        return f"{self.annotated(annotated, source, name, suffix)}.counts.json"

    def annotated_summary(self, annotated: str) -> str:
        """The counts of all annotated files, and their sums."""
        return f"{self.base}/annotated/{annotated}/summary.json"

    def selection(self, selection: str, suffix: str) -> str:
        """The annotated rows that a condition holds for."""
        return f"{self.base}/selections/{selection}{suffix}"

    def selection_counts(self, selection: str, suffix: str) -> str:
        """How many rows were selected from which file."""
        return f"{self.selection(selection, suffix)}.counts.json"

    def evaluation(self, evaluation: str, suffix: str) -> str:
        """Predictions against a gold set as `json` or `html`, and the mistakes as `errors.csv`."""
        return f"{self.base}/evaluation/{evaluation}.{suffix}"

    def errors(self, errors: str, suffix: str) -> str:
        """Where predictions are wrong, as `json` and `html`, and the rows of every list as `csv`."""
        return f"{self.base}/errors/{errors}.{suffix}"

    def optimised(self, optimised: str, name: str) -> str:
        """One file of a search for a better prompt."""
        return f"{self.base}/optimised/{optimised}/{name}"

    def export(self, export: str, name: str) -> str:
        """A file of fine-tuning data: `train.jsonl`, `valid.jsonl`, `test.jsonl`, `card.json`, …"""
        return f"{self.base}/finetune/{export}/{name}"

    def finetuned(self, finetune: str, name: str) -> str:
        """A file or folder of a fine-tuned model: `adapter`, `merged`, `training.json`, `card.md`, …"""
        return f"{self.base}/finetuned/{finetune}/{name}"

    def table(self, table: str, suffix: str) -> str:
        """What a chain of stages found out, as `csv` or `jsonl`, and its plot as `html`."""
        return f"{self.base}/tables/{table}.{suffix}"

    def run(self, stage: str, suffix: str) -> str:
        """What a stage was asked and how good it was: the run as `json`, its rows as `csv`."""
        return f"{self.base}/runs/{stage}.{suffix}"

    def upload(self, tracker: str, stage: str) -> str:
        """The receipt of a stage's run at a tracker."""
        return f"{self.base}/uploads/{tracker}/{stage}.json"

    def download(self, tracker: str, name: str, suffix: str) -> str:
        """What was brought back from a tracker; no rule knows it."""
        return f"{self.base}/downloads/{tracker}/{name}{suffix}"

    def index(self) -> str:
        """The study on one page."""
        return f"{self.base}/index.html"

    def paper(self, name: str) -> str:
        """A file of the paper kit: a table, a figure, the methods text, a checklist."""
        return f"{self.base}/paper/{name}"

    def slurm_logs(self) -> str:
        """Folder of what Slurm says of jobs; its executor deletes what is old there."""
        return f"{self.base}/logs/slurm"

    def log(self, name: str) -> str:
        """Log file of a rule; `name` may hold placeholders."""
        return f"{self.base}/logs/{name}.log"


def annotated_names(files: Iterable[str]) -> dict[str, str]:
    """Short name of a source file -> how its annotated file is called before `.jsonl`.

    Of `part0.jsonl` and `part0.h5` that is `part0`. Other endings stay (`a.csv`), so that a file that comes
    later (`a.csv` beside `a.jsonl`) changes no name. Where two would get one name (`a.jsonl` and
    `a.jsonl.gz`), or two that differ in case only, these keep their whole names.

    Args:
        files: all files of one source.
    """
    whole = list(files)
    names = {file: _DROPPED.sub("", file) or file for file in whole}
    for _ in whole:
        counts = Counter(name.casefold() for name in names.values())
        alike = [file for file, name in names.items() if counts[name.casefold()] > 1 and name != file]
        if not alike:
            break
        names.update({file: file for file in alike})
    return names


def file_names(files: Iterable[Path], root: Path) -> dict[str, Path]:
    """A short name for each source file, unique within the source and safe in a path.

    The name is the path below the folder common to all files, `/` written as `__`; where two files would
    get one name, or two that differ in case only (which is one name on many systems), or a character had to
    be replaced, or the name is too long, a hash of the path keeps them apart.

    Args:
        files: the source files.
        root: paths are taken relative to it, so that names do not change when a project is moved.
    """
    ordered = sorted({Path(os.path.relpath(file, root)) for file in files})
    if not ordered:
        return {}
    folders = [path.parent.as_posix() for path in ordered]
    common = os.path.commonpath(folders) if len(set(folders)) > 1 else folders[0]
    names: dict[str, Path] = {}
    taken: set[str] = set()
    for path in ordered:
        plain = path.as_posix().removeprefix(f"{common}/").replace("/", "__")
        name = _UNSAFE.sub("_", plain).lstrip(".") or "file"
        is_long = len(name) > _LONGEST_NAME
        if name != plain or name.casefold() in taken or is_long:
            digest = hashlib.sha256(path.as_posix().encode()).hexdigest()
            base = name[: _LONGEST_NAME - 9] if is_long else name
            # Where another file has this very name, or by chance the same eight digits, more of them tell.
            name = next(
                longer
                for digits in range(8, len(digest) + 1)
                if (longer := f"{base}-{digest[:digits]}").casefold() not in taken
            )
        taken.add(name.casefold())
        names[name] = root / path
    return names
