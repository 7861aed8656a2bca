"""From texts to token ids, cut to the model's limit or into chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

_SLICE_TEXTS = 256
_SLICE_CHARACTERS = 1_000_000
# A first guess at how much of a long text is needed; where it was too little, more is read.
_CHARACTERS_PER_TOKEN = 8
# Tokens beyond the limit that a head of a text must give before its first tokens count as settled.
_MARGIN = 32


@dataclass(frozen=True)
class Tokens:
    """The token ids of some texts.

    Attributes:
        ids: int32 ids of each chunk with its special tokens; a text that is not cut into chunks is one chunk.
        owner: [C] place of each chunk's text; it does not fall.
        truncated: [T] whether the end of a text was cut off.
    """

    ids: list[np.ndarray]
    owner: np.ndarray
    truncated: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """[C] numbers of tokens."""
        import numpy as np

        return np.fromiter((len(ids) for ids in self.ids), dtype=np.int64, count=len(self.ids))


class TextTokenizer:
    """Tokenises with a Hugging Face tokenizer's Rust core. Not to be used from two threads at once.

    Args:
        tokenizer: a tokenizer of transformers that has such a core.
        max_length: tokens of a chunk, special ones included.
        on_long: what becomes of longer texts.
        prefix: stands before each text.
    """

    def __init__(
        self, tokenizer: Any, max_length: int, on_long: Literal["truncate", "chunk"], prefix: str
    ) -> None:
        self._core = tokenizer.backend_tokenizer
        self._core.no_padding()
        side = tokenizer.truncation_side
        self._core.enable_truncation(max_length, direction=side if on_long == "truncate" else "right")
        self._max_length, self._on_long, self._prefix = max_length, on_long, prefix
        # The head of a text settles its first tokens only when it is the end that is cut off.
        self._reads_heads = on_long == "truncate" and side == "right"

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Tokenise some texts."""
        import numpy as np

        ids: list[np.ndarray] = []
        owner: list[int] = []
        truncated = np.zeros(len(texts), dtype=bool)
        for start, part in _slices([self._prefix + text for text in texts]):
            for place, encoding in enumerate(self._encode(part), start):
                chunks = [encoding, *(encoding.overflowing if self._on_long == "chunk" else ())]
                truncated[place] = self._on_long == "truncate" and bool(encoding.overflowing)
                ids.extend(np.array(chunk.ids, dtype=np.int32) for chunk in chunks)
                owner.extend([place] * len(chunks))
        return Tokens(ids, np.array(owner, dtype=np.int64), truncated)

    def _encode(self, texts: list[str]) -> list[Any]:
        if not self._reads_heads:
            return list(self._core.encode_batch_fast(texts))
        encodings: list[Any] = [None] * len(texts)
        characters = self._max_length * _CHARACTERS_PER_TOKEN
        open_places = list(range(len(texts)))
        while open_places:
            heads = [_head(texts[place], characters) for place in open_places]
            done = self._core.encode_batch_fast(heads)
            for place, head, encoding in zip(open_places, heads, done, strict=True):
                if len(head) == len(texts[place]) or self._is_settled(encoding):
                    encodings[place] = encoding
            open_places = [place for place in open_places if encodings[place] is None]
            characters *= 4
        return encodings

    def _is_settled(self, encoding: Any) -> bool:
        """Whether more text would not change the first tokens."""
        return sum(len(part) for part in encoding.overflowing) > _MARGIN


def _slices(texts: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Runs of texts with the place of their first, so small that their encodings take little memory."""
    start = characters = 0
    for place, text in enumerate(texts):
        if place - start == _SLICE_TEXTS or (place > start and characters + len(text) > _SLICE_CHARACTERS):
            yield start, texts[start:place]
            start, characters = place, 0
        characters += len(text)
    if start < len(texts):
        yield start, texts[start:]


def _head(text: str, characters: int) -> str:
    """The beginning of a text, up to a space where there is one, so that no word is cut in two."""
    if len(text) <= characters:
        return text
    space = text.rfind(" ", characters // 2, characters)
    return text[: space if space > 0 else characters]
