"""Synthetic rows about brands: their names, and the scope of keywords."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from made_up_world import Draw, Listing, Row, World, listings, plural, slip


def brand_text(
    world: World, key: str, draw: Draw
) -> tuple[str, list[dict[str, str]], list[dict[str, str]], str]:
    """A text of a brand with the names and the terms in it, and a title with one of the lines."""
    brand = world.brands[key]
    product = draw.choice(list(brand["products"]))
    goods = world.facts[product]["nouns"][0]
    line, other, sub_brand = draw.sample(world.names["line"], 3)
    maker, technology, supplier = (
        draw.choice(world.names[kind]) for kind in ("manufacturer", "technology", "supplier")
    )
    names = [("line", line, f"The {line} range is for every day.")]
    names += draw.sample(
        [
            ("line", other, f"{other} is our line for guests."),
            ("sub_brand", sub_brand, f"{sub_brand} is our brand for children."),
            ("manufacturer", maker, f"All of it is made for {brand['name']} by {maker}."),
        ],
        draw.randint(0, 3),
    )
    patterns = {
        "technology": "Each piece has our {} finish.",
        "person": "Founded by {}.",
        "place": "Made in {}.",
        "award": "Winner of the {} 2019.",
        "program": "{}.",
        "slogan": '"{}" is our promise.',
    }
    terms = []
    for kind in draw.sample(list(patterns), draw.randint(0, 3)):
        term = technology if kind == "technology" else draw.choice(world.names[kind])
        terms.append((kind, term, patterns[kind].format(term)))
    said = [text for _, _, text in (*names, *terms)]
    if draw.random() < 0.5:
        said.append(f"The boxes come from {supplier}.")
    draw.shuffle(said)
    own = [
        {"name": brand["name"], "kind": "brand"},
        *({"name": name, "kind": kind} for kind, name, _ in names),
    ]
    text = " ".join([f"{brand['name']} makes {plural(goods)}.", *said])
    title = f"{brand['name']} {line} {goods.title()}, {draw.choice(['Black', 'Green', 'White', 'Blue'])}"
    return text, own, [{"term": term, "kind": kind} for kind, term, _ in terms], title


def own_brand_rows(world: World, draw: Draw) -> Iterator[Row]:
    for key in [*world.brands] * 15:
        text, own, _, title = brand_text(world, key, draw)
        given = {"brand": world.brands[key]["name"], "brand_text": text, "title": title}
        yield Row(str(len(own)), given, {"own_brand": own}, "a text with names whose kinds are said", key)


def related_term_rows(world: World, draw: Draw) -> Iterator[Row]:
    for key in [*world.brands] * 15:
        text, own, terms, title = brand_text(world, key, draw)
        given = {"brand": world.brands[key]["name"], "brand_text": text, "title": title, "own_brand": own}
        yield Row(
            str(len(terms)), given, {"related_terms": terms}, "a text with terms whose kinds are said", key
        )


def seen(world: World, key: str, draw: Draw, count: int = 2) -> tuple[list[str], list[dict[str, str]]]:
    """Keywords that were seen, and the variations of own names among them, in one order."""
    brand = world.brands[key]
    names = [name for name in world.plain_names(key) if " " not in name or name in world.spelled]
    ways = [(name, slip(name, draw), "misspelling") for name in names if name.isascii() and " " not in name]
    ways += [(name, world.spaced[name], "spacing") for name in names if name in world.spaced]
    ways += [(name, world.spelled[name], "spelling") for name in names if name in world.spelled]
    nouns = [noun for product in brand["products"] for noun in world.facts[product]["nouns"]]
    others = [
        f"{draw.choice(names).casefold()} {draw.choice(nouns)}",
        f"{draw.choice(brand['competitors']).casefold()} {draw.choice(nouns)}",
        draw.choice(nouns),
    ]
    typed = [
        (f"{variation} {draw.choice(nouns)}", {"entity": name, "variation": variation, "kind": kind})
        for name, variation, kind in draw.sample(ways, min(count, len(ways)))
    ]
    typed += [(text, None) for text in others]
    draw.shuffle(typed)
    return [text for text, _ in typed], [variation for _, variation in typed if variation]


def variation_rows(world: World, draw: Draw) -> Iterator[Row]:
    for key in [*world.brands] * 15:
        keywords, variations = seen(world, key, draw, draw.randint(0, 3))
        given = {"own_brand": world.brands[key]["entities"], "seen_keywords": keywords}
        yield Row(
            str(len(variations)),
            given,
            {"variations": variations},
            "slips, spaces and spellings of names",
            key,
        )


def competitor_rows(world: World, draw: Draw) -> Iterator[Row]:
    for listing in listings(world, draw):
        brand, goods = world.brands[listing.brand], plural(listing.facts["nouns"][0])
        chosen = draw.sample(brand["competitors"], draw.randint(1, 3))
        line, (gone, other) = draw.choice(world.names["line"]), draw.sample(world.names["supplier"], 2)
        reason = f"sells {goods}"
        found = [{"name": name, "kind": "brand", "reason": reason} for name in chosen]
        notes = [f"{name} sells {goods}." for name in chosen[1:]]
        notes += [
            f"{gone} has stopped making {goods}.",
            f"{other} makes {plural(draw.choice(listing.facts['unrelated']))}.",
        ]
        if draw.random() < 0.5:
            notes.append(f"{chosen[0]} sells {goods} called {line}.")
            found.append({"name": line, "kind": "line", "reason": reason})
        else:
            notes.append(f"{chosen[0]} sells {goods}.")
        draw.shuffle(notes)
        given = {
            "brand": brand["name"],
            "brand_text": brand["text"],
            "title": listing.title,
            "bullets": listing.bullets,
            "market_notes": " ".join(notes),
        }
        yield Row(
            str(len(found)),
            given,
            {"competitors": found},
            "who sells the same, has stopped, sells other things",
            listing.brand,
            listing.product,
        )


# Branding scope


def branded(world: World, listing: Listing, draw: Draw) -> Iterator[tuple[str, str, str]]:
    """(scope, keyword, how) of keywords that a list of names or the product's text decides."""
    brand, noun = world.brands[listing.brand], draw.choice(listing.facts["nouns"])
    shown = [
        name for name in world.plain_names(listing.brand) if name in listing.title or name == brand["name"]
    ]
    if shown:
        name, rival = draw.choice(shown).casefold(), draw.choice(brand["competitors"]).casefold()
        yield "OB", f"{name} {noun}", "an own name and a product word"
        yield "OB", f"{rival} or {name} {noun}", "an own name beside a competitor's"
        if " " not in name and name.isascii():
            yield "OB", f"{slip(name, draw)} {noun}", "an own name with a slip"
    for pattern in ("{} {}", "{1} by {0}", "{1} like {0}", "{0} {1} sale"):
        rival = draw.choice(brand["competitors"]).casefold()
        yield "CB", pattern.format(rival, noun), "a competitor's name and a product word"
    rival = draw.choice([name for name in brand["competitors"] if " " not in name and len(name) > 5])
    yield "CB", f"{slip(rival, draw)} {noun}", "a competitor's name with a slip"
    yield "NB", draw.choice(listing.keywords(listing.facts["agree"])), "words for the product"
    yield "NB", draw.choice(listing.facts["complements"]), "words for what is used with the product"
    yield "NB", draw.choice(world.ordinary[listing.brand]), "ordinary words of which a name is made"


def scope_rows(
    inputs: Callable[[World, Listing, Draw], dict[str, Any]],
) -> Callable[[World, Draw], Iterator[Row]]:
    def rows(world: World, draw: Draw) -> Iterator[Row]:
        for listing in listings(world, draw):
            for scope, keyword, how in branded(world, listing, draw):
                given = {"keyword": keyword, **inputs(world, listing, draw)}
                yield Row(scope, given, {"branding_scope": scope}, how, listing.brand, listing.product)

    return rows


def by_own_lists(world: World, listing: Listing, draw: Draw) -> dict[str, Any]:
    return {
        "own_brand": world.brands[listing.brand]["entities"],
        "variations": seen(world, listing.brand, draw)[1],
        "related_terms": world.related_terms(listing.brand),
    }


def by_both_lists(world: World, listing: Listing, draw: Draw) -> dict[str, Any]:
    return {
        "own_brand": world.brands[listing.brand]["entities"],
        "competitors": world.competitors(listing.brand),
    }


def by_text(world: World, listing: Listing, draw: Draw) -> dict[str, Any]:
    return {"brand": world.brands[listing.brand]["name"], "title": listing.title, "bullets": listing.bullets}
