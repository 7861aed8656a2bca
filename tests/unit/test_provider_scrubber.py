"""Keys are taken out of what a service says, however it writes them and however the bytes come."""

import base64
import json
import random
import string
from urllib.parse import quote, quote_plus

import pytest

from goldpan.providers.scrubber import Scrubber

KEY = "sk-proj-Ab3/dE+f_9hIjKlMnOpQrStUvWxYz012345678="
ALPHABET = string.ascii_letters + string.digits + "-_+/=."


def _every_third(key):
    """The key with some of its letters and digits escaped for JSON."""
    return (f"\\u{ord(letter):04X}" if at % 3 == 0 else letter for at, letter in enumerate(key))


WAYS = {
    "plain": KEY,
    "JSON": json.dumps(KEY),
    "JSON as PHP writes it": json.dumps(KEY).replace("/", "\\/"),
    "JSON as Go and Java write it": json.dumps(KEY).replace("+", "\\u002b").replace("=", "\\u003D"),
    "JSON within JSON": json.dumps(json.dumps({"h": json.dumps(KEY).replace("/", "\\/")})),
    "URL": quote(KEY, safe=""),
    "form": quote_plus(KEY),
    "URL, small letters": quote(KEY, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
    "URL within URL": quote(quote(KEY, safe=""), safe=""),
    "JSON with every letter escaped": "".join(f"\\u{ord(letter):04x}" for letter in KEY),
    "JSON within JSON with some escaped": json.dumps("".join(_every_third(KEY)))[1:-1],
    "URL with every letter escaped": "".join(f"%{ord(letter):02X}" for letter in KEY),
    "bearer": f"Authorization: Bearer {KEY}",
}


@pytest.mark.parametrize("way", WAYS)
def test_no_piece_of_the_key_is_left_however_it_is_written(way):
    text = f'{{"message": "before {WAYS[way]} after"}}'
    scrubbed = Scrubber([KEY]).text(text)
    assert "[key]" in scrubbed and "before" in scrubbed and "after" in scrubbed
    assert "MnOpQrSt" not in scrubbed


@pytest.mark.parametrize("before", ["", "u", "us", "user:", "Bearer ", "api-key:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_the_key_is_taken_out_of_base64_behind_whatever_stands_before_it(before, encode):
    text = f"Basic {encode(f'{before}{KEY}:tail'.encode()).decode()} end"
    scrubbed = Scrubber([KEY]).text(text)
    assert "[key]" in scrubbed and scrubbed.endswith(" end")
    coded = scrubbed.removeprefix("Basic ").removesuffix(" end").replace("[key]", "")
    # What is left are the neighbours and at most the bits they share with the key's ends.
    assert len(coded) <= len(encode(f"{before}:tail".encode())) + 8


@pytest.mark.parametrize("seed", range(40))
def test_a_stream_in_pieces_is_scrubbed_like_the_whole(seed):
    draw = random.Random(seed)
    keys = ["".join(draw.choices(ALPHABET, k=draw.randint(8, 60))) for _ in range(3)]
    keys.append(keys[0] + "more")
    written = [json.dumps, lambda key: quote(key, safe=""), str, lambda key: key[: len(key) // 2]]
    written.append(lambda key: "".join(_every_third(key)))
    content = "".join(
        draw.choice([lambda: draw.choice(written)(draw.choice(keys)), lambda: draw.choice("ab\\%é-\n")])()
        for _ in range(60)
    ).encode()
    scrubber = Scrubber(keys)
    stream, out, start = scrubber.stream(), b"", 0
    while start < len(content):
        size = draw.choice([1, 1, 2, 7, 50])
        out += stream.feed(content[start : start + size])
        start += size
    assert out + stream.end() == scrubber.content(content)
    assert not any(key.encode() in out for key in keys)


def test_a_key_that_is_escaped_letter_by_letter_is_not_there_once_it_is_read():
    arguments = json.dumps({"name": "@"}).replace("@", "".join(_every_third(KEY)))
    line = json.dumps({"tool_calls": [{"function": {"arguments": arguments}}]})
    read = json.loads(Scrubber([KEY]).text(line))["tool_calls"][0]["function"]["arguments"]
    assert json.loads(read) == {"name": "[key]"}


def test_a_short_key_cannot_be_told_from_words_and_answers_stay_whole():
    assert Scrubber(["test", None, ""]).text("a test of time") == "a test of time"


def test_scrubbed_json_is_still_json():
    value = {"a": [KEY, {"headers": f"Bearer {KEY}"}], "n": 1}
    assert Scrubber([KEY]).value(value) == {"a": ["[key]", {"headers": "Bearer [key]"}], "n": 1}


def test_text_without_a_key_is_as_it_was():
    text = "né ☃ \\u002b %2B " + KEY[:-2]
    assert Scrubber([KEY]).text(text) == text
