"""The commonest messages of rows that came to nothing."""

from goldpan.batches.messages import Messages, message_lines


def counted(*reasons, state="failed"):
    messages = Messages()
    for reason in reasons:
        messages.add(state, reason)
    return messages.commonest()


def test_the_three_commonest_are_shown_whole_with_their_counts():
    whole = "400 unsupported_parameter: Unsupported parameter: 'max_tokens' is not supported with this model."
    common = counted(*["429 a: b"] * 2, *[whole] * 5, *["500 c: d"] * 3, "502 e: f")
    assert [(message["reason"], message["count"]) for message in common] == [
        (whole, 5),
        ("500 c: d", 3),
        ("429 a: b", 2),
    ]
    assert message_lines(common)[0] == f"5 failed: {whole}"


def test_messages_that_differ_in_ids_and_numbers_only_count_as_one_and_a_real_one_is_shown():
    ids = counted("500 x: see request req_1a in 7 s", "500 x: see request req_2b in 9 s")
    assert ids == [{"state": "failed", "reason": "500 x: see request req_1a in 7 s", "count": 2}]


def test_messages_of_two_statuses_states_or_parameters_are_two():
    assert len(counted("500 x: a", "503 x: a")) == 2
    assert len(counted("no parameter 'top_p'", "no parameter 'top_k'")) == 2


def test_rows_that_are_ok_or_were_not_to_be_asked_are_passed_over():
    assert counted(None, state="ok") == counted("filtered", state="skipped") == []


def test_of_countless_kinds_the_common_ones_stay():
    messages = Messages()
    for number in range(50_000):
        word = "".join(chr(ord("a") + int(digit)) for digit in str(number))
        messages.add("invalid", f"`topic` is {word!r}, not one of the labels")
        if number % 3 == 0:
            messages.add("failed", "503 overloaded: later")
    assert messages.commonest()[0]["reason"] == "503 overloaded: later"
    assert messages.commonest()[0]["count"] == 16_667
    assert len(messages._counts) <= 1_000
