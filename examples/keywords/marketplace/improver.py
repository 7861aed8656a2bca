"""A stand-in for the model that rewrites texts of a prompt: its answers are scripted, and some are bad.

It is asked as a model would be, request by request, through the ledger (`improver:` of the study), and
shown the text and some rows. Of that it makes one of four rewrites, chosen by a hash of the request:
typical German words for the uses of these rows, typical English ones, every line cut short, or a row
copied into the text, which no prompt may hold.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from goldpan.providers.engine.completions import completion

GERMAN = {
    "cooking": "kochen, braten, schmoren; Kochtopf, Bratpfanne, Schmortopf; Herd, Backofen, Suppe",
    "storage": "Vorrat, Vorratsdose, Vorratsglas, Brotkasten; luftdicht, stapelbar, hält frisch, im Schrank",
    "hydration": "trinken, Trinkflasche, Thermobecher, Isolierflasche; Getränke unterwegs, auslaufsicher",
    "water treatment": "filtert Kalk und Chlor, weiches Wasser; Filterkanne, Filterkartusche, Entkalker",
    "pet play": "Spielzeug für Hunde und Katzen; beschäftigt, spielen, Leckerli, apportieren, quietscht",
    "pet transport": "Transportbox, Hundebox, Katzentransportbox; sicher auf Reisen, Tierarzt, Autogurt",
    "lighting": "leuchtet, Leuchte, Lampe, Stirnlampe, Laterne, Lichterkette; dimmbar, blendfrei",
    "shelter": "Zelt, Kuppelzelt, Vorzelt, Biwaksack; trocken bei Regen, Wassersäule, Heringe",
    "skin care": "Haut, trockene Haut; Creme, Nachtcreme, Sonnenmilch, Balsam; reinigt, schützt, Duftstoffe",
    "other": "Gartenschlauch, Regenschirm, Einkaufstasche, Bilderrahmen, Luftpumpe",
}
ENGLISH = {
    "cooking": "frying pan, saucepan, wok, casserole; frying, searing, simmering stews",
    "storage": "jar, tin, box, canister, bin; airtight, pantry, keeping things tidy",
    "hydration": "bottle, flask, mug, tumbler; leakproof, sip, cold for hours",
    "water treatment": "filter, cartridge, softener, descaling; lime, chlorine, metals",
    "pet play": "toy, ball, wand, puzzle, snuffle mat; sniffing, chewing, fetching; kittens",
    "pet transport": "carrier, crate, kennel, harness; vet, cabin, seat belt, trip",
    "lighting": "lamp, lantern, torch, LED; dims, warm white, evening",
    "shelter": "tarp, awning, bivouac; waterproof, pegs, pitched, gale",
    "skin care": "cream, lotion, balm, serum, cleansing milk; soap, fragrance, sun",
    "other": "garden hose, umbrella, shopping bag, yoga block, bookend, picture frame, bicycle pump",
}
WORDS_KEPT_OF_A_LINE = 4


def rewrite(body: dict[str, Any], custom_id: str) -> dict[str, Any]:
    """Answer a chat request for a rewrite; the same request gets the same answer."""
    request = body["messages"][-1]["content"]
    (text,), rows = _between("text", request), _between("shown", request)
    mark = hashlib.sha256(request.encode()).digest()
    # Where no rows are shown, it is for some uses that it knows words.
    uses = set(re.findall(r"^use: (.+)$", "\n".join(_between("right", request)), re.MULTILINE))
    uses = uses or {use for place, use in enumerate(GERMAN) if mark[1 + place] % 2}
    if mark[0] < 100:
        answer = _with_words(text, uses, GERMAN, "In German")
    elif mark[0] < 170:
        answer = _with_words(text, uses, ENGLISH, "Also")
    elif mark[0] < 220 or not rows:
        answer = "\n".join(" ".join(line.split()[:WORDS_KEPT_OF_A_LINE]) for line in text.splitlines())
    else:
        answer = f"{text}\nSuch as: {' '.join(rows[0].split())}"
    return completion(body, answer, custom_id)


def _with_words(text: str, uses: set[str], words: dict[str, str], how: str) -> str:
    """The text with words for some uses, each in the line of its use, unless they are there."""
    lines = []
    for line in text.splitlines():
        use = line.partition(":")[0]
        is_new = use in uses and words[use] not in line
        lines.append(f"{line.rstrip()} {how}: {words[use]}." if is_new else line)
    return "\n".join(lines)


def _between(tag: str, request: str) -> list[str]:
    return re.findall(rf"<{tag}>\n(.*?)\n</{tag}>", request, re.DOTALL)
