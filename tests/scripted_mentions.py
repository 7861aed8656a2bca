"""Papers whose pages and mentions are known, and an annotator that answers by them: right, wrong or not."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from goldpan.providers.engine import completion
from goldpan.providers.engine.completions import schema_asked_for
from goldpan.serve.row_faults import spoil
from tests.made_pdfs import Page, write_pdf

PAPERS, PAGES, MORE_PAGES = 5, 60, 20
EXTRACT, JUDGE, REVIEW = "record_dataset_mentions", "record_judgement", "record_review"
VERDICTS = ("valid", "invalid", "uncertain")
REASONS = ("organisation", "publication", "generic_data")
_LETTERS = "abcdefghijklmnop"
# What CSV files, JSON and spreadsheets are apt to take for something else.
_AWKWARD = ["=SUM Table {}", "-{} Depth List", "@{} Log", "+{} Tide Book", "Café Ledger {}"]


@dataclass(frozen=True)
class KnownMention:
    """A mention as the annotator records it.

    Attributes:
        name: its raw_name.
        written: how the page writes it; None where it is not there at all.
        times: how often it stands in the answer.
    """

    name: str
    written: str | None
    times: int = 1


@dataclass(frozen=True)
class KnownPage:
    """A page: its token, by which the annotator knows it, and what is on it.

    Attributes:
        document, number: where it is; the number counts from 1.
        kind: `full`, `empty` (no mention), `off_topic` (without the filter's word) or `blank`.
    """

    document: str
    number: int
    kind: str
    token: str
    mentions: tuple[KnownMention, ...]


def token_of(at: int) -> str:
    """A word that names a page and that no rule about numbers, running heads or hyphens touches."""
    return "q" + "".join(_LETTERS[at >> shift & 15] for shift in (8, 4, 0)) + "z"


@cache
def known_pages() -> tuple[KnownPage, ...]:
    """All pages of all papers, in their order."""
    return tuple(_known_page(at) for at in range(PAPERS * PAGES))


@cache
def more_pages() -> tuple[KnownPage, ...]:
    """The pages of one more paper, none of which is like another."""
    return tuple(_known_page(PAPERS * PAGES + at) for at in range(MORE_PAGES))


def _known_page(at: int) -> KnownPage:
    document, number = f"paper{at // PAGES:02}.pdf", at % PAGES + 1
    if at % 30 == 21:  # the same text as another page of the same paper
        at -= 20
    kind = "full"
    if at % 40 == 7:
        kind = "blank"
    elif at % 20 == 13:
        kind = "off_topic"
    elif at % 10 == 5:
        kind = "empty"
    return KnownPage(document, number, kind, token_of(at), _mentions(at) if kind == "full" else ())


def _mentions(at: int) -> tuple[KnownMention, ...]:
    mentions = [
        KnownMention(f"Lake Survey {at}", f"Lake Survey {at}", 2 if at % 6 == 0 else 1),
        # The same words on every page: only the page tells these apart.
        KnownMention("Harbour Register", "Harbour Register"),
        KnownMention(f"Panel of Waterways {at}", f"Panel of Water-\nways {at}"),
        KnownMention(f"the notes of {at} keepers", None if at % 7 == 0 else f"the notes of {at} keepers"),
    ]
    if at % 2 == 0:
        awkward = _AWKWARD[at // 2 % len(_AWKWARD)].format(at)
        mentions.append(KnownMention(awkward, awkward))
    return tuple(mentions)


def write_papers(folder: Path, pages: tuple[KnownPage, ...] | None = None) -> None:
    """Write the PDFs of some pages; default all."""
    documents: dict[str, list[Page]] = {}
    for page in known_pages() if pages is None else pages:
        documents.setdefault(page.document, []).append(_drawn(page))
    for name, drawn in documents.items():
        write_pdf(folder / name, drawn)


def _drawn(page: KnownPage) -> Page:
    drawn = Page()
    if page.kind == "blank":
        return drawn
    if page.kind == "off_topic":
        drawn.paragraph(72, 120, f"Sheet {page.token} has nothing of the kind, only words about lakes.")
        return drawn
    y = drawn.paragraph(
        72, 120, f"What sheet {page.token} says about data comes first. It goes on from here."
    )
    for mention in page.mentions:
        if mention.written is not None:
            y = drawn.paragraph(72, y + 6, f"Here we used {mention.written} for what follows.")
    return drawn


def digest(*parts: str) -> int:
    """A number that is the same for the same texts."""
    return int.from_bytes(hashlib.sha256("|".join(parts).encode()).digest()[:8], "big")


def fate(step: str, token: str, name: str) -> str:
    """What becomes of a question: `ok`, `late` (wrong at first), `invalid`, `refused` or `truncated`."""
    place = digest(step, token, name) % 50
    return {0: "refused", 1: "truncated", 2: "invalid", 3: "late", 4: "late", 5: "late"}.get(place, "ok")


def attempts(outcome: str, rounds: int) -> int:
    """How often a question is asked that has this fate."""
    return {"late": 2, "invalid": rounds}.get(outcome, 1)


def judgement(token: str, name: str, version: str = "") -> dict[str, Any]:
    """The judge's right answer about a mention of a page."""
    place = digest(JUDGE, token, name)
    verdict = VERDICTS[place % 3]
    return {
        "rationale": f"judged {digest(token, name, version):x}",
        "verdict": verdict,
        "invalid_reason": REASONS[place // 3 % 3] if verdict == "invalid" else None,
    }


def review(token: str, name: str, judged: dict[str, Any]) -> dict[str, Any]:
    """The devil's advocate's right answer, which depends on the judge's."""
    place = digest(REVIEW, token, name)
    verdict = VERDICTS[place % 3]
    overrides = verdict != judged["verdict"]
    return {
        "counter_argument": f"against {digest(token, name, judged['rationale']):x}",
        "weighing": "weighed",
        "verdict": verdict,
        "invalid_reason": REASONS[place // 3 % 3] if verdict == "invalid" else None,
        "overrides": overrides,
        "override_reason": f"it says {name}" if overrides else None,
        "would_change_my_mind": "another page",
    }


class MentionAnnotator:
    """Answers by the pages that are known, and counts what it was asked.

    Attributes:
        asked: function -> how many requests.
        backwards: whether mentions are recorded in the opposite order.
    """

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.backwards = False
        self._pages = {page.token: page for page in (*known_pages(), *more_pages())}
        self._times: Counter[tuple[str, ...]] = Counter()
        self._lock = threading.Lock()

    def __call__(self, body: dict[str, Any], custom_id: str) -> dict[str, Any]:
        function = body["tool_choice"]["function"]["name"]
        system, text = (message["content"] for message in body["messages"])
        version = "".join(re.findall(r"Version \w+", system))
        with self._lock:
            self.asked[function] += 1
        if function == EXTRACT:
            page = self._pages[_token(text)]
            answer = completion(body, self._extraction(page, body), custom_id)
            return self._with_fate(answer, body, "ok", (function, page.token, system))
        token, name = _token(_between(text, "text of the page")), _entry(text)["raw_name"]
        judged = judgement(token, name, version)
        if function == REVIEW:
            shown = orjson.loads(_between(text, "what the judge recorded"))
            judged = review(token, name, shown)
        values = {_key(body, feature): value for feature, value in judged.items()}
        return self._with_fate(
            completion(body, values, custom_id), body, fate(function, token, name), (function, text, system)
        )

    def _extraction(self, page: KnownPage, body: dict[str, Any]) -> dict[str, Any]:
        fields = (schema_asked_for(body) or {})["properties"]["mentions"]["items"]["properties"]
        items = [
            {field: _value(field, schema, mention) for field, schema in fields.items()}
            for mention in page.mentions
            for _ in range(mention.times)
        ]
        return {
            "reasoning": f"about {page.token}",
            "dataset_used_detected": bool(items),
            "mentions": items[::-1] if self.backwards else items,
        }

    def _with_fate(
        self, answer: dict[str, Any], body: dict[str, Any], outcome: str, about: tuple[str, ...]
    ) -> dict[str, Any]:
        with self._lock:
            self._times[about] += 1
            first = self._times[about] == 1
        if outcome in ("refused", "truncated"):
            spoil(outcome, body, answer)
        elif outcome == "invalid" or (outcome == "late" and first):
            spoil("unknown_label" if len(about[1]) % 2 else "not_json", body, answer)
        return answer


def _value(field: str, schema: dict[str, Any], mention: KnownMention) -> Any:
    if field == "raw_name":
        return mention.name
    if field == "harmonized_name":
        return mention.name.removeprefix("the ")
    if "null" in schema["type"]:
        return None if field == "acronym" else schema.get("enum", [f"{field} of {mention.name}"])[0]
    return schema["enum"][0] if "enum" in schema else f"{field} of {mention.name}"


def _key(body: dict[str, Any], feature: str) -> str:
    properties = (schema_asked_for(body) or {})["properties"]
    return feature if feature in properties else f"{feature}_detected"


def _token(text: str) -> str:
    (token,) = set(re.findall(rf"\bq[{_LETTERS}]{{3}}z\b", text))
    return token


def _between(text: str, what: str) -> str:
    """The part of a prompt between its marks."""
    return text.split(f"⟦begin: {what}")[1].split("⟧\n", 1)[1].split("⟦end:")[0]


def _entry(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = orjson.loads(_between(text, "the entry"))
    return loaded


def expected_rows(pages: tuple[KnownPage, ...] | None = None, version: str = "") -> Iterator[dict[str, Any]]:
    """What the final table must say of each mention: its columns; those not named are empty."""
    for page in known_pages() if pages is None else pages:
        for mention in page.mentions:
            yield {
                "document": page.document,
                "page": page.number,
                "raw_name": mention.name,
                "count": mention.times,
                "found": mention.written is not None,
                **_expected_verdicts(page.token, mention.name, version),
            }


def _expected_verdicts(token: str, name: str, version: str) -> dict[str, Any]:
    row: dict[str, Any] = {"judge.state": fate(JUDGE, token, name), "reasoning.state": "skipped"}
    row["judge.state"] = row["judge.state"].replace("late", "ok")
    if row["judge.state"] != "ok":
        return row
    judged = judgement(token, name, version)
    row |= {f"judge.{key}": value for key, value in judged.items()}
    row["reasoning.state"] = fate(REVIEW, token, name).replace("late", "ok")
    if row["reasoning.state"] == "ok":
        row |= {f"reasoning.{key}": value for key, value in review(token, name, judged).items()}
    return row
