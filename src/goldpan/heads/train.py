"""Train a head on labels and embeddings, and measure it: the room's first entry point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan import __version__
from goldpan.embeddings.reader import EmbeddingFile
from goldpan.errors import HeadError
from goldpan.files import sha256_file, write_json
from goldpan.heads.checkpoint import save_head
from goldpan.heads.dataset import Dataset, join
from goldpan.heads.fitting import Examples, Fitted
from goldpan.heads.fused import FusedHeads
from goldpan.heads.labels import read_labels, write_labels
from goldpan.heads.model import HeadModel
from goldpan.heads.targets import Target, resolve_target
from goldpan.heads.training import fit
from goldpan.heads.training_warnings import enough_dev_records, training_warnings
from goldpan.records.draw import rank
from goldpan.records.splits import SPLITS, SplitName
from goldpan.study.head import Head
from goldpan.waves.gold.gold_set import lists_drawn_from, read_gold

if TYPE_CHECKING:
    import numpy as np

    from goldpan.heads.label_agreement import TargetAgreement
    from goldpan.heads.model import HeadPredictions
    from goldpan.heads.report import LabelCounts, TargetReport

METRICS, LABELS = "metrics.json", "labels.jsonl"


def train_head(
    name: str,
    settings: Head,
    embeddings: Sequence[Path],
    labels: Sequence[Path],
    output: Path,
    *,
    group: str = "train",
    records: Sequence[Path] = (),
    trial: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Train a head and write its checkpoint, what it learned from, and what it can do.

    Writes `model.safetensors`, `config.json`, `labels.jsonl` and `metrics.json`. On the CPU the same input
    gives the same bytes.

    Args:
        name: of the head in the study.
        settings: what the study says.
        embeddings: all embeddings files of the embedding.
        labels: all gold files of the wave, `features.jsonl` of each stage, or records files of the sources.
        output: folder of the head.
        group: of the HDF5 files.
        records: for labels of stages that are grouped by `data.FIELD`, the records files of their sources.
        trial: source -> its limit, where only its first rows were there to learn from.

    Returns:
        What `metrics.json` holds.

    Raises:
        HeadError: too few labels in a split, labels that do not fit a target, or training that diverges.
        EmbeddingError: an embeddings file is damaged, or holds NaN.
        ReconciliationError: two rows or two embeddings of one record.
        StudyError: a record lacks the field of the group key.
    """
    data = join(read_labels(settings, labels, records), embeddings, group)
    targets = [_target(name, target, settings, data) for target in settings.targets]
    trainer = _Trainer(name, settings, data, targets)
    fitted = trainer.fit(data.rows("train"))
    head = trainer.head(fitted)
    agreement = trainer.label_agreement()
    metrics = {
        "head": name,
        "goldpan_version": __version__,
        **({"trial": dict(trial)} if trial else {}),
        "labelled": len(data.labels) + data.without_embedding,
        "without_embedding": data.without_embedding,
        "splits": {split: len(data.rows(split)) for split in SPLITS},
        "measured_on": trainer.measured_on,
        "fit": {
            "method": trainer.fit_method,
            "why": trainer.why,
            "strengths": fitted.strengths,
            "learned": fitted.learned,
        },
        "label_agreement": {target: figure and figure.as_json() for target, figure in agreement.items()},
        "warnings": training_warnings(
            fitted,
            agreement,
            trainer.few_dev_records(),
            lists_drawn_from(read_gold(labels)) if settings.labels.wave else (),
        ),
        "epochs": fitted.epochs,
        "best_epoch": fitted.best_epoch,
        "dev_loss": round(fitted.dev_loss, 6),
        "targets": {report.target.name: report.as_json() for report in trainer.reports(head)},
        "settings": settings.model_dump(mode="json"),
        "embedding": data.provenance.as_attributes(),
        "label_files": {_short_name(path): sha256_file(path) for path in labels},
        "embedding_files": {_short_name(path): _source_hash(path, group) for path in embeddings},
    }
    write_labels(output / LABELS, data.labels)
    write_json(output / METRICS, metrics)
    save_head(output, head)
    return metrics


def _short_name(path: Path) -> str:
    """A file with its folder, for file names alone may repeat."""
    return f"{path.parent.name}/{path.name}"


def _source_hash(path: Path, group: str) -> str:
    """Hash of the records file that an embeddings file was made of."""
    with EmbeddingFile(path, group) as file:
        return file.provenance.source_sha256


def _target(head: str, name: str, settings: Head, data: Dataset) -> Target:
    column = settings.column_of(head, name)
    values = [value for value in data.values(name) if value is not None]
    try:
        return resolve_target(name, column, settings.targets[name], values)
    except HeadError as error:
        error.where = f"heads.{head}: {error.where}"
        raise


class _Trainer:
    """Trains on some of the labels and measures on the records kept apart for it."""

    def __init__(self, name: str, settings: Head, data: Dataset, targets: Sequence[Target]) -> None:
        self._name, self._settings, self._data, self._targets = name, settings, data, targets
        truths = [target.encode(data.values(target.name), data.ids) for target in targets]
        self._all = Examples(data.embeddings, truths)
        for split in ("train", "dev"):
            self._check_has_labels(split)
        self._dev = self._all.take(data.rows("dev"))
        # Also for the smaller heads of the learning curve, which would else compare two ways of fitting.
        self.fit_method, self.why = settings.fit_method(len(data.rows("train")))
        self.measured_on: SplitName = "test" if self._has_test() else "dev"
        self._measured = data.rows(self.measured_on)

    def fit(self, rows: np.ndarray) -> Fitted:
        """Train on some rows of the data."""
        return fit(self._settings, self._targets, self._all.take(rows), self._dev, self.fit_method)

    def head(self, fitted: Fitted) -> HeadModel:
        """The head that training gave."""
        return HeadModel(
            self._name, fitted.layers, tuple(self._targets), fitted.thresholds, self._data.provenance
        )

    def label_agreement(self) -> dict[str, TargetAgreement | None]:
        """Agreement of the answers behind the labels of the training split, by target."""
        from goldpan.heads.label_agreement import label_agreement

        labels = [self._data.labels[row] for row in self._data.rows("train")]
        return {
            target.name: label_agreement(target, [label.all_answers.get(target.name, []) for label in labels])
            for target in self._targets
        }

    def few_dev_records(self) -> dict[str, tuple[int, int]]:
        """The targets for which the dev split has too few records: how many it has, and should have."""
        rows = self._data.rows("dev")
        counts = {
            target.name: (len(self._known(place, rows)[0]), enough_dev_records(target))
            for place, target in enumerate(self._targets)
        }
        return {name: (count, enough) for name, (count, enough) in counts.items() if count < enough}

    def reports(self, head: HeadModel) -> list[TargetReport]:
        """What the head can do, target by target."""
        from goldpan.heads.measured import MeasuredRecords
        from goldpan.heads.report import TargetReport, baselines_of, learning_curve
        from goldpan.statistics.samples import sample_of_groups

        reports = []
        heads = [*self._smaller(), (1.0, self._data.rows("train"), head)]
        predictions = [(share, rows, self._predictions(trained)) for share, rows, trained in heads]
        for place, target in enumerate(self._targets):
            rows, truth = self._known(place, self._measured)
            groups = [self._data.labels[row].group for row in rows]
            records = MeasuredRecords(target, truth, sample_of_groups(groups, self._settings.seed))
            predicted = predictions[-1][2][place]
            points = [
                (share, len(self._known(place, own)[0]), by_target[place])
                for share, own, by_target in predictions
            ]
            _, trained_on = self._known(place, self._data.rows("train"))
            reports.append(
                TargetReport(
                    target=target,
                    counts={split: self._counts(place, split) for split in SPLITS},
                    groups=records.sample.drawn,
                    figures=records.figures(predicted),
                    baselines=baselines_of(records, trained_on, predicted),
                    curve=learning_curve(records, points) if len(points) > 1 else None,
                    records=len(rows),
                )
            )
        return reports

    def _smaller(self) -> list[tuple[float, np.ndarray, HeadModel]]:
        """Heads trained on shares of the groups of the training split; each share holds the smaller ones."""
        import numpy as np

        rows = self._data.rows("train")
        groups = [self._data.labels[row].group for row in rows]
        order = sorted(set(groups), key=lambda group: rank(self._settings.seed, "learning curve", group))
        heads = []
        for share in self._settings.learning_curve:
            some = set(order[: max(1, round(share * len(order)))])
            own = rows[np.array([group in some for group in groups])]
            if all(len(self._known(place, own)[0]) for place in range(len(self._targets))):
                heads.append((share, own, self.head(self.fit(own))))
        return heads

    def _predictions(self, head: HeadModel) -> list[HeadPredictions]:
        """What a head says about the records measured on, for each target those with a known value."""
        fused = FusedHeads([head])
        known = [self._known(place, self._measured)[0] for place in range(len(self._targets))]
        return [
            fused.predict(self._data.embeddings[rows])[place].predicted for place, rows in enumerate(known)
        ]

    def _known(self, place: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Those of some rows where a target is known, and its values there."""
        import numpy as np

        values = self._all.truths[place][rows]
        known = ~np.isnan(values)
        return rows[known], values[known]

    def _counts(self, place: int, split: SplitName) -> LabelCounts:
        import numpy as np

        from goldpan.heads.report import LabelCounts

        _, values = self._known(place, self._data.rows(split))
        labels = self._targets[place].labels
        counts = np.bincount(values.astype(int), minlength=len(labels)).tolist() if labels else []
        return LabelCounts(len(values), dict(zip(labels, counts, strict=True)))

    def _has_test(self) -> bool:
        rows = self._data.rows("test")
        return all(len(self._known(place, rows)[0]) for place in range(len(self._targets)))

    def _check_has_labels(self, split: SplitName) -> None:
        rows = self._data.rows(split)
        for place, target in enumerate(self._targets):
            if not len(self._known(place, rows)[0]):
                groups = len({label.group for label in self._data.labels})
                raise HeadError(
                    f"the {split} split has no label of the target `{target.name}`"
                    f" ({len(self._data.labels)} labelled records of {groups} groups have an embedding, and a"
                    " group is in one split)",
                    where=f"heads.{self._name}",
                    remedy="label more records, take smaller groups or another `seed`, or change the shares"
                    " of the splits: one is learned from (train), one says when to stop (dev), one is"
                    " measured on (test)",
                )
