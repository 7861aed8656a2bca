"""A sequence-classification model as a classifier of a filter: texts in overlapping windows of tokens."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.chains.filter.scores import DECIMALS, RecordScore
from goldpan.embeddings.positions import most_positions
from goldpan.errors import EmbeddingError, StudyError
from goldpan.models.device import available_device
from goldpan.models.folders import find_model
from goldpan.models.installed import check_installed
from goldpan.models.pretrained import load_fast_tokenizer, not_loaded
from goldpan.records.model import Record
from goldpan.study.filter import TextClassifier
from goldpan.tasks.nearest import suggestion

if TYPE_CHECKING:
    import numpy as np

_BLOCK_TEXTS = 64
_BATCH_TOKENS = 4096
_DEFAULT_WINDOW = 512
NO_TEXT = "there is no text"


class TextScorer:
    """See `Scorer`.

    Args:
        settings: of the model.
        text_of: the text of a record.
        root: where a relative folder starts.
        where: place of the settings in the study, for errors.

    Raises:
        StudyError: the model has no such label, or a window of that size is not possible.
        EmbeddingError: the model cannot be had, or has no head that classifies; or packages are missing.
    """

    def __init__(
        self, settings: TextClassifier, text_of: Callable[[Record], str], root: Path, where: str
    ) -> None:
        check_installed()
        self._text_of, self._where = text_of, where
        self._device = available_device(settings.device)
        folder = find_model(
            settings.model,
            root=root,
            revision=settings.revision,
            trust_remote_code=settings.trust_remote_code,
        ).folder
        self._model = _model(folder, settings).to(self._device)
        self._tokenizer = load_fast_tokenizer(folder, settings.trust_remote_code)
        config = self._model.config
        self._labels = [config.id2label[place] for place in range(config.num_labels)]
        self._sought = _sought(self._labels, settings, where)
        self._window, self._overlap = self._window_of(settings)
        is_number = config.num_labels == 1 and config.problem_type == "regression"
        self._is_number = is_number
        self._is_any = config.num_labels == 1 or config.problem_type == "multi_label_classification"
        self.name = f"the classifier `{settings.model}`"
        self.lowest, self.highest = (-1e9, 1e9) if is_number else (0.0, 1.0)

    def scores(self, records: Iterable[Record]) -> Iterator[RecordScore]:
        """What the model says of each record: of the window that scores highest.

        Raises:
            EmbeddingError: the model gives NaN.
        """
        for block in _blocks(map(self._text_of, records)):
            texts = [text for text in block if text.strip()]
            scored = iter(self._of_texts(texts) if texts else ())
            for text in block:
                yield next(scored) if text.strip() else RecordScore(None, None, NO_TEXT)

    def _of_texts(self, texts: Sequence[str]) -> list[RecordScore]:
        import numpy as np

        windows = self._tokenizer(
            list(texts),
            truncation=True,
            max_length=self._window,
            stride=self._overlap,
            return_overflowing_tokens=True,
        )
        owners = np.array(windows["overflow_to_sample_mapping"])
        outputs = self._outputs(windows["input_ids"])
        scores, labels = self._read(outputs)
        best = [
            rows[int(scores[rows].argmax())]
            for rows in (np.flatnonzero(owners == text) for text in range(len(texts)))
        ]
        return [RecordScore(labels[row], round(float(scores[row]), DECIMALS) + 0.0) for row in best]

    def _outputs(self, windows: Sequence[Sequence[int]]) -> np.ndarray:
        """Logits of all windows, [n, labels] float64."""
        import numpy as np
        import torch

        outputs = np.empty((len(windows), len(self._labels)))
        # Windows of one length together: little is padded, and a batch is bounded.
        order = sorted(range(len(windows)), key=lambda place: len(windows[place]))
        while order:
            size = max(1, _BATCH_TOKENS // len(windows[order[-1]]))
            batch, order = order[-size:], order[:-size]
            width = max(len(windows[place]) for place in batch)
            ids = torch.full((len(batch), width), self._model.config.pad_token_id)
            mask = torch.zeros((len(batch), width), dtype=torch.long)
            for row, place in enumerate(batch):
                length = len(windows[place])
                ids[row, :length] = torch.tensor(windows[place])
                mask[row, :length] = 1
            with torch.inference_mode():
                logits = self._model(
                    input_ids=ids.to(self._device), attention_mask=mask.to(self._device)
                ).logits
            outputs[batch] = logits.float().cpu().numpy()
        if not np.isfinite(outputs).all():
            raise EmbeddingError(
                "the classifier gives NaN or infinity",
                where=self._where,
                remedy="its weights are damaged, or not meant for this version of transformers",
            )
        return outputs

    def _read(self, outputs: np.ndarray) -> tuple[np.ndarray, list[str]]:
        """Score [n] and likeliest label of each window, from its logits [n, labels]."""
        import numpy as np

        labels = [self._labels[place] for place in outputs.argmax(axis=1).tolist()]
        if self._is_number:
            return outputs[:, 0], labels
        if self._is_any:
            return (0.5 * (1 + np.tanh(outputs[:, self._sought] / 2))).max(axis=1), labels
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return (powers / powers.sum(axis=1, keepdims=True))[:, self._sought].sum(axis=1), labels

    def _window_of(self, settings: TextClassifier) -> tuple[int, int]:
        """Tokens of a window, and those it has in common with the next."""
        most = min(self._tokenizer.model_max_length, most_positions(self._model))
        window = settings.window_tokens or int(min(most, _DEFAULT_WINDOW))
        overlap = window // 4 if settings.overlap_tokens is None else settings.overlap_tokens
        special = self._tokenizer.num_special_tokens_to_add()
        if window > most:
            raise StudyError(
                f"`window_tokens` is {window}, but the model takes {most:.0f} at most",
                where=self._where,
                remedy="make it smaller, or leave it out",
            )
        if overlap >= window - special:
            raise StudyError(
                f"windows of {window} tokens, {special} of them special, cannot overlap by {overlap}",
                where=self._where,
                remedy="make `overlap_tokens` smaller",
            )
        return window, overlap


def _blocks(texts: Iterator[str]) -> Iterator[list[str]]:
    while block := list(itertools.islice(texts, _BLOCK_TEXTS)):
        yield block


def _model(folder: Path, settings: TextClassifier) -> Any:
    from transformers import AutoModelForSequenceClassification
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        model, report = AutoModelForSequenceClassification.from_pretrained(
            folder,
            trust_remote_code=settings.trust_remote_code,
            local_files_only=True,
            output_loading_info=True,
        )
    except Exception as error:  # transformers and safetensors have no error in common
        raise not_loaded("model", folder, error) from None
    if missing := sorted(report["missing_keys"]):
        raise EmbeddingError(
            f"the model cannot classify: it lacks {len(missing)} weights, such as {missing[0]}, and"
            " would make them up",
            where=str(folder),
            remedy="give the folder of a model that was trained for sequence classification",
        )
    if model.config.pad_token_id is None:
        # Some decoders look for the last token that is not padding.
        model.config.pad_token_id = 0
    return model.float().eval()


def _sought(labels: Sequence[str], settings: TextClassifier, where: str) -> list[int]:
    """Places of the labels that are sought."""
    if settings.label is None and len(labels) > 1:
        raise StudyError(
            f"the classifier has the labels {', '.join(labels)}; it must be said which are sought",
            where=where,
            remedy="`classifier: {model: …, label: …}`",
        )
    for label in settings.label or []:
        if label not in labels:
            raise StudyError(
                f"the classifier has no label `{label}`; {suggestion(label, labels)}", where=f"{where}.label"
            )
    return sorted({labels.index(label) for label in settings.label or labels})
