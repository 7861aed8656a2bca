"""The made-up brands and products that the synthetic rows are put together from."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
KINDS = (
    "material",
    "size",
    "capacity",
    "weight",
    "colour",
    "quantity",
    "power",
    "audience",
    "certification",
    "feature",
)
"""The kinds of attribute as m07 and m08 list them."""
DECIDING = ("audience", "power", "capacity", "size", "certification")
DESCRIBING = (
    "material",
    "feature",
    "quantity",
    "size",
    "capacity",
    "weight",
    "certification",
    "power",
    "audience",
    "colour",
)
"""The orders within the groups A and B of m08."""

Draw = random.Random


@dataclass(frozen=True)
class Row:
    """One row before it has an id; `kind` is what the rows of a data set are balanced by."""

    kind: str
    input: dict[str, Any]
    expected: dict[str, Any]
    how: str
    brand: str
    product: str | None = None


class World:
    """The made-up brands with what is known of their names and products."""

    def __init__(self) -> None:
        self.brands = yaml.safe_load((HERE / "brands.yaml").read_text(encoding="utf-8"))["brands"]
        facts = yaml.safe_load((HERE / "synthetic.yaml").read_text(encoding="utf-8"))
        self.facts: dict[str, dict[str, Any]] = facts["products"]
        self.names: dict[str, list[str]] = facts["names"]
        self.related: dict[str, str] = facts["related"]
        self.spaced: dict[str, str] = facts["spaced"]
        self.spelled: dict[str, str] = facts["spelled"]
        self.ordinary: dict[str, list[str]] = facts["ordinary"]
        self.brand_of = {product: key for key, brand in self.brands.items() for product in brand["products"]}

    def plain_names(self, key: str) -> list[str]:
        """Own names of a brand that cannot be read as ordinary words."""
        brand = self.brands[key]
        ambiguous = [word.casefold() for word in brand["ambiguous"]]
        names = [entity["name"] for entity in brand["entities"]]
        return [
            name
            for name in names
            if not any(word in name.casefold() for word in ambiguous)
            or (brand["name"] not in brand["ambiguous"] and brand["name"] in name)
        ]

    def related_terms(self, key: str) -> list[dict[str, str]]:
        """The terms that a brand's text holds, as m01b gives them."""
        text = self.brands[key]["text"]
        terms = self.brands[key]["related"]
        written = [term if term in text else term[0].upper() + term[1:] for term in terms]
        return [
            {"term": term, "kind": self.related[known]} for term, known in zip(written, terms, strict=True)
        ]

    def competitors(self, key: str) -> list[dict[str, str]]:
        """The competitors of a brand, as m03 gives them."""
        goods = plural(next(self.facts[product] for product in self.brands[key]["products"])["nouns"][0])
        return [
            {"name": name, "kind": "brand", "reason": f"sells {goods}"}
            for name in self.brands[key]["competitors"]
        ]


@dataclass(frozen=True)
class Listing:
    """A product as one of its listings has it, with what the modules of the product definition say of it."""

    product: str
    brand: str
    title: str
    bullets: list[str]
    product_type: list[dict[str, Any]]
    attributes: list[dict[str, str]]
    attribute_ranks: list[str]
    primary_use: str
    use_domain: str
    hard_constraints: list[dict[str, str]]
    first: str
    facts: dict[str, Any]

    def keywords(self, patterns: list[str]) -> list[str]:
        """Keywords about it: `{noun}` stands for its type, `{a}` for its first value."""
        measure = self.first.casefold()
        return [text.format(noun=noun, a=measure) for text in patterns for noun in self.facts["nouns"]]


def plural(noun: str) -> str:
    return noun if noun.endswith("s") else f"{noun}s"


def listings(world: World, draw: Draw) -> list[Listing]:
    """Six listings of each product, no two with the same values, in any order."""
    made = []
    for product, facts in world.facts.items():
        key = world.brand_of[product]
        first, second = facts["values"]["a"], list(facts["values"]["b"])
        if product not in ("skillet", "tent"):  # there the weight goes with the size
            draw.shuffle(second)
        for a, b in zip(first, second, strict=True):
            attributes = [
                {"attribute": kind, "value": _value(kind, value, a, b)} for kind, value in facts["attributes"]
            ]
            made.append(
                Listing(
                    product,
                    key,
                    title=facts["title"].format(a=a, b=b),
                    bullets=[bullet.format(a=a, b=b) for bullet in facts["bullets"]],
                    product_type=[
                        {"level": level, "name": name}
                        for level, name in enumerate(world.brands[key]["products"][product]["type"], 1)
                    ],
                    attributes=attributes,
                    attribute_ranks=ranks(
                        {entry["attribute"] for entry in attributes}, set(facts["decides"])
                    ),
                    primary_use=facts["stated"]["none"][0],
                    use_domain=facts["domain"],
                    hard_constraints=[
                        {"constraint": kind, "value": value.format(a=a, b=b)}
                        for kind, value in facts["constraints"]
                    ],
                    first=a,
                    facts=facts,
                )
            )
    draw.shuffle(made)
    return made


def _value(kind: str, pattern: str, a: str, b: str) -> str:
    value = pattern.format(a=a, b=b)
    # Words are written small, units and marks as they are.
    return value.casefold() if kind in ("colour", "audience") and not value[0].isdigit() else value


def ranks(present: set[str], decides: set[str]) -> list[str]:
    """The order of m08: what decides, then what is there besides, then the rest."""
    deciding = [kind for kind in DECIDING if kind in decides]
    describing = [kind for kind in DESCRIBING if kind in present - decides]
    return [*deciding, *describing, *(kind for kind in KINDS if kind not in present)]


def slip(name: str, draw: Draw) -> str:
    """A name with one letter doubled or missing, neither at its ends nor beside its like."""
    letters = name.casefold()
    places = [
        place
        for place in range(1, len(letters) - 1)
        if letters[place] not in (letters[place - 1], letters[place + 1])
    ]
    place = draw.choice(places)
    return letters[:place] + draw.choice(["", letters[place] * 2]) + letters[place + 1 :]
