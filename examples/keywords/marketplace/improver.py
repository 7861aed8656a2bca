"""A stand-in for the model that rewrites texts of a prompt: its answers are scripted, and some are bad.

It is asked as a model would be, request by request, through the ledger (`improver:` of the study). Of the
text that it is shown it makes one of four rewrites, chosen by a hash of the request: typical German words
added, typical English ones added, the text cut short, or a row that it was shown copied into it, which no
prompt may hold.
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
WORDS_KEPT_OF_A_SHORT_ONE = 3


def rewrite(body: dict[str, Any], custom_id: str) -> dict[str, Any]:
    """Answer a chat request for a rewrite; the same request gets the same answer."""
    request = body["messages"][-1]["content"]
    text = _between("text", request)[0]
    label = re.search(r"^The text is .*the label `([^`]+)`", request, re.MULTILINE)
    choice = hashlib.sha256(request.encode()).digest()[0] % 4
    if choice == 3:
        answer = f"{text} Such as: {' '.join(' '.join(_between('shown', request)).split())}"
    elif choice == 2 or label is None:
        answer = " ".join(text.split()[:WORDS_KEPT_OF_A_SHORT_ONE]) + "."
    else:
        words = (GERMAN, ENGLISH)[choice][label[1]]
        answer = text if words in text else f"{text} {'In German: ' if choice == 0 else 'Also: '}{words}."
    return completion(body, answer, custom_id)


def _between(tag: str, request: str) -> list[str]:
    return re.findall(rf"<{tag}>\n(.*?)\n</{tag}>", request, re.DOTALL)
