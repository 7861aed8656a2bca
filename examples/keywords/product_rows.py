"""Synthetic rows about products: what they are, and how relevant keywords are for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from brand_rows import seen
from made_up_world import Draw, Listing, Row, World, listings, plural


def listing_rows(inputs: tuple[str, ...], answers: tuple[str, ...]) -> Callable[[World, Draw], Iterator[Row]]:
    def rows(world: World, draw: Draw) -> Iterator[Row]:
        for listing in listings(world, draw):
            given = {name: getattr(listing, name) for name in inputs}
            expected = {name: getattr(listing, name) for name in answers}
            yield Row(
                listing.product,
                given,
                expected,
                "a listing filled with other values",
                listing.brand,
                listing.product,
            )

    return rows


def stated_use_rows(world: World, draw: Draw) -> Iterator[Row]:
    made = listings(world, draw)
    for listing in made:
        stated = [(problem, use) for problem, uses in listing.facts["stated"].items() for use in uses]
        stated += [
            ("wrong", other.primary_use) for other in draw.sample(made, 3) if other.product != listing.product
        ]
        for problem, use in stated:
            given = {"title": listing.title, "bullets": listing.bullets, "primary_use": use}
            expected = {"valid": problem == "none", "problem": problem}
            yield Row(
                problem,
                given,
                expected,
                "a use that was written for this problem",
                listing.brand,
                listing.product,
            )


# Relevance


def judged(listing: Listing) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(how, keyword, right answers) of keywords about a product; a module that is not asked has none."""
    facts = listing.facts
    for how, patterns, relevance in (
        ("contradicts a hard constraint", facts["contradict"], "violates"),
        ("keeps the hard constraints", facts["agree"], "R"),
        ("same type, primary use", facts["uses"]["same"], "R"),
        ("same type, another use that it serves", facts["uses"]["other"], "S"),
        ("same type, a use that it does not serve", facts["uses"]["none"], "N"),
    ):
        for keyword in listing.keywords(patterns):
            if relevance == "violates":
                yield how, keyword, {"violates": True, "relevance": "N"}
            else:
                yield (
                    how,
                    keyword,
                    {"violates": False, "relevance": relevance, "same_type": True, "m14": relevance},
                )
    for how, patterns, relevance in (
        ("does the job in another form", facts["substitutes"], "S"),
        ("is used together with it", facts["complements"], "C"),
        ("has nothing to do with it", facts["unrelated"], "N"),
    ):
        for keyword in patterns:
            right = {"violates": False, "relevance": relevance, "same_type": False}
            yield how, keyword, right | ({"m15": "S"} if relevance == "S" else {"m15": "N", "m16": relevance})


def relevance_rows(inputs: tuple[str, ...], **answers: str) -> Callable[[World, Draw], Iterator[Row]]:
    """Rows of the keywords that have all these answers: feature -> where `judged` has it."""

    def rows(world: World, draw: Draw) -> Iterator[Row]:
        for listing in listings(world, draw):
            for how, keyword, right in judged(listing):
                if all(where in right for where in answers.values()):
                    given = {"keyword": keyword, **{name: getattr(listing, name) for name in inputs}}
                    expected = {feature: right[where] for feature, where in answers.items()}
                    kind = how if len(answers) > 1 else str(expected)
                    yield Row(kind, given, expected, how, listing.brand, listing.product)

    return rows


# Rows with all that a chain of the modules needs


def pair_rows(world: World, draw: Draw) -> Iterator[Row]:
    for listing in listings(world, draw):
        brand = world.brands[listing.brand]
        keywords, variations = seen(world, listing.brand, draw)
        noun = draw.choice(listing.facts["nouns"])
        asked = [(how, keyword, right, "NB") for how, keyword, right in judged(listing)]
        named = {"violates": False, "relevance": "R", "same_type": True, "m14": "R"}
        asked += [
            ("an own name", f"{name.casefold()} {noun}", named, "OB")
            for name in world.plain_names(listing.brand)
            if name == brand["name"] or name in listing.title
        ]
        asked += [
            ("a competitor's name", f"{name.casefold()} {noun}", named, "CB") for name in brand["competitors"]
        ]
        notes = " ".join(
            f"{name} sells {plural(listing.facts['nouns'][0])}." for name in brand["competitors"]
        )
        for how, keyword, right, scope in asked:
            given = {
                "brand": brand["name"],
                "brand_text": brand["text"],
                "title": listing.title,
                "bullets": listing.bullets,
                "keyword": keyword,
                "seen_keywords": keywords,
                "competitors": world.competitors(listing.brand),
                "market_notes": notes,
            }
            expected = {
                "own_brand": brand["entities"],
                "variations": variations,
                "related_terms": world.related_terms(listing.brand),
                "branding_scope": scope,
                # What a module is asked about only where those before it have not decided.
                "m04": None if scope == "OB" else scope,
                "m05": "NB" if scope == "NB" else None,
                "product_type": listing.product_type,
                "attributes": listing.attributes,
                "attribute_ranks": listing.attribute_ranks,
                "use_domain": listing.use_domain,
                # The use that is looked at was found before: a chain that works finds a valid one.
                "valid": True,
                "problem": "none",
                "hard_constraints": listing.hard_constraints,
                **{
                    name: right.get(name)
                    for name in ("violates", "relevance", "same_type", "m14", "m15", "m16")
                },
            }
            yield Row(how, given, expected, how, listing.brand, listing.product)
