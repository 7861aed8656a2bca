"""The provider's lines as the ledger stores them: a zstd frame each, so that any one can be read by itself.

The lines of one settlement say much the same (the names of all fields, ids, the model), which a frame of its
own cannot make use of. So a large settlement trains a dictionary on its first lines: less than half the room,
and a good half of the time. A frame's header names its dictionary, and its last bytes are a checksum: a line
that is read is the line that was written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import zstandard

from goldpan.ledger.connection import Connection, damaged_ledger

SAMPLE = 64
# Below this many lines a dictionary takes as much room as it saves.
_FEWEST_LINES = 250
_DICTIONARY_BYTES = 16_384
# Parameters of the training that zstd would else look for: that takes ten times as long, for nothing.
_TRAINING = {"k": 256, "d": 8, "f": 15}
_LEVEL = 1


class Lines:
    """Packs and unpacks the lines of one ledger.

    Args:
        db: the ledger's connection.
    """

    def __init__(self, db: Connection):
        self._db = db
        self.pack: Callable[[bytes], bytes] = zstandard.ZstdCompressor(
            level=_LEVEL, write_checksum=True
        ).compress
        self._unpackers = {0: zstandard.ZstdDecompressor().decompress}

    def packer_for(self, sample: Sequence[bytes], count: int) -> Callable[[bytes], bytes]:
        """What packs `count` lines that are like those of the sample.

        Within a transaction of the caller, to which a new dictionary belongs.
        """
        if count < _FEWEST_LINES or len(sample) < SAMPLE:
            return self.pack
        try:
            dictionary = zstandard.train_dictionary(_DICTIONARY_BYTES, list(sample), **_TRAINING)
        except zstandard.ZstdError:
            # Lines too short to learn from.
            return self.pack
        number, content = dictionary.dict_id(), dictionary.as_bytes()
        self._db.execute("INSERT OR IGNORE INTO dictionaries (id, content) VALUES (?, ?)", (number, content))
        if self._content(number) != content:
            # The number is a hash, and another dictionary has it already.
            return self.pack
        dictionary.precompute_compress(level=_LEVEL)
        return zstandard.ZstdCompressor(level=_LEVEL, dict_data=dictionary, write_checksum=True).compress

    def unpack(self, packed: bytes) -> bytes:
        """The line. Raises LedgerError when its frame is damaged or the dictionary is gone."""
        try:
            number = zstandard.get_frame_parameters(packed).dict_id
            if number not in self._unpackers:
                dictionary = zstandard.ZstdCompressionDict(self._content(number))
                self._unpackers[number] = zstandard.ZstdDecompressor(dict_data=dictionary).decompress
            return self._unpackers[number](packed)
        except (zstandard.ZstdError, MemoryError) as error:
            raise damaged_ledger(self._db.path, f"a provider's line cannot be read: {error}") from None

    def _content(self, number: int) -> bytes:
        row = self._db.execute("SELECT content FROM dictionaries WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise damaged_ledger(self._db.path, f"the dictionary {number} of some providers' lines is gone")
        return row[0]
