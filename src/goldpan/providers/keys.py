"""Where keys come from: the environment, then the project's `.env`, which is only ever read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from goldpan.errors import ProviderError

# Read whether or not a study names them: a key that is there may be echoed.
USUAL_VARIABLES = ("OPENAI_API_KEY", "AZURE_API_KEY")


class Keys:
    """Looks variables up by name. No others are taken from `.env`, and nothing is put into the environment.

    Args:
        root: the project's folder, whose `.env` counts; None for none.
        environment: the variables of this process, which come first.
    """

    def __init__(self, root: Path | None, environment: Mapping[str, str] = os.environ):
        self._file = None if root is None else root / ".env"
        self._environment = environment

    def get(self, name: str) -> str | None:
        """The value of a variable, without white space around it; None where it is set nowhere, or empty.

        Raises:
            ProviderError: `.env` would have to be read and cannot be.
        """
        value = self._environment.get(name, "").strip()
        return value or self._of_file().get(name, "").strip() or None

    def require(self, name: str, what: str) -> str:
        """The value of a variable.

        Args:
            what: what it holds, for people.

        Raises:
            ProviderError: it is set nowhere; the error says where it was looked for.
        """
        value = self.get(name)
        if value is not None:
            return value
        looked = "in the environment"
        if self._file is not None:
            looked += f", then in {self._file}" + ("" if self._file.exists() else ", which does not exist")
        raise ProviderError(
            f"the environment variable {name}, which holds {what}, is not set (looked {looked})",
            remedy=f"set it where goldpan runs (`export {name}=...`), or write the line `{name}=...` into"
            " that `.env`; never write it into a study",
        )

    def secrets(self, names: Iterable[str]) -> list[str]:
        """The values of those of `names` that are set, and of the usual variables."""
        return self.values({*names, *USUAL_VARIABLES})

    def values(self, names: Iterable[str]) -> list[str]:
        """The values of those of `names` that are set; of a `.env` that cannot be read none."""
        values: list[str] = []
        for name in names:
            try:
                value = self.get(name)
            except ProviderError:
                # Whoever needs a key from there is told so.
                continue
            if value is not None:
                values.append(value)
        return values

    def _of_file(self) -> dict[str, str]:
        """The variables of `.env`; empty where there is none.

        Raises:
            ProviderError: it cannot be read, or a line of it is not `NAME=value`.
        """
        if self._file is None:
            return {}
        from dotenv.parser import parse_stream

        try:
            with self._file.open(encoding="utf-8-sig") as lines:
                bindings = list(parse_stream(lines))
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
            raise ProviderError(
                f"keys cannot be read from it: {reason}",
                where=str(self._file),
                remedy="make it a readable text file of lines `NAME=value`, or remove it",
            ) from None
        values: dict[str, str] = {}
        for binding in bindings:
            if binding.error or (binding.key is not None and binding.value is None):
                # The line itself may hold a key. Blank lines before it count as its beginning.
                text = binding.original.string
                line = binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
                raise ProviderError(
                    "this line is not `NAME=value`",
                    where=f"{self._file}, line {line}",
                    remedy="write one variable on a line; quotes around a value must be closed",
                )
            if binding.key is not None and binding.value is not None:
                values[binding.key] = binding.value
        return values
