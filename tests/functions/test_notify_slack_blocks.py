"""Messages for Slack: templates stay as they are, texts are escaped, limits are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

GOOD_TEMPLATE = {  # the sample of digdag-slack's README, rendered
    "username": "Digdag",
    "icon_emoji": ":blush:",
    "attachments": [
        {
            "fallback": "[SUCCESS] shop workflow",
            "color": "good",
            "text": "*[SUCCESS]* `shop` Workflow",
            "mrkdwn_in": ["text", "pretext", "fields"],
            "fields": [
                {"title": "Task Name", "value": "+shop+done", "short": False},
                {"title": "Session Date", "value": "2026-11-20", "short": True},
            ],
        }
    ],
}
TEXTS = st.text("ab &<>;|!@#\n*`ltgamp", max_size=60)


def texts_of(value):
    """Every text that counts, wherever it stands."""
    if isinstance(value, dict):
        found = [value[key] for key in ("title", "value", "pretext", "fallback") if isinstance(value.get(key), str)]
        if value.get("type") in ("mrkdwn", "plain_text") or "color" in value:
            found += [value["text"]] if isinstance(value.get("text"), str) else []
        return found + [text for inner in value.values() for text in texts_of(inner)]
    return [text for inner in value for text in texts_of(inner)] if isinstance(value, list) else []


def test_a_text_becomes_a_block_with_the_text_beside_it_for_notifications(notify):
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "done: *3* tables"}}
    assert notify("blocks").render("done: *3* tables") == {"text": "done: *3* tables", "blocks": [section]}


def test_a_template_of_digdag_slack_stays_as_it_is(notify):
    rendered = notify("blocks").render(GOOD_TEMPLATE)
    assert {key: rendered[key] for key in GOOD_TEMPLATE} == GOOD_TEMPLATE
    assert rendered["text"].splitlines() == [
        "*[SUCCESS]* `shop` Workflow",
        "Task Name: +shop+done",
        "Session Date: 2026-11-20",
    ]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a & b < c > d", "a &amp; b &lt; c &gt; d"),
        (
            "<https://x.example/?a=1&b=2|log> & <@U1> <#C1|x> <!here>",
            "<https://x.example/?a=1&b=2|log> &amp; <@U1> <#C1|x> <!here>",
        ),
        ("&amp; &lt; &gt; &nbsp;", "&amp; &lt; &gt; &amp;nbsp;"),
        ("> quoted\nnot > quoted\n>no", "> quoted\nnot &gt; quoted\n&gt;no"),
        ("NameError: <lambda>()", "NameError: &lt;lambda&gt;()"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ],
)
def test_signs_are_escaped_unless_they_are_slacks_own(notify, text, escaped):
    assert notify("texts").escape(text) == escaped


@given(TEXTS)
def test_escaping_twice_changes_nothing_more(notify, text):
    escape = notify("texts").escape
    assert escape(escape(text)) == escape(text)


@given(text=TEXTS, limit=st.integers(6, 30))
def test_a_cut_text_fits_and_ends_in_no_half_entity(notify, text, limit):
    texts = notify("texts")
    cut = texts.cut(texts.escape(text), limit)
    assert len(cut) <= limit
    assert not any(cut.removesuffix(texts.CUT).endswith(half) for half in ("&", "&a", "&am", "&l", "&g"))


@given(text=TEXTS, limit=st.integers(6, 30))
def test_a_split_text_loses_nothing_but_ends_of_lines(notify, text, limit):
    parts = notify("texts").split(text, limit)
    assert all(len(part) <= limit for part in parts)
    assert "".join(parts).replace("\n", "") == text.replace("\n", "")


def test_a_long_text_is_split_into_sections_at_ends_of_lines(notify):
    blocks = notify("blocks").render("\n".join(["x" * 99] * 60))["blocks"]
    assert [len(block["text"]["text"]) for block in blocks] == [2999, 2999]


@pytest.mark.parametrize(
    "message",
    [
        "y" * 50_000,
        {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "z" * 5_000}}] * 120},
        {"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "h" * 500}}]},
        {"blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "f" * 3_000}] * 15}]},
        {
            "attachments": [
                {"color": "danger", "text": "t" * 9_000, "fields": [{"title": "a" * 5_000, "value": "&" * 5_000}]}
            ]
            * 30
        },
    ],
)
def test_no_message_is_over_slacks_limits(notify, message):
    rendered = notify("blocks").render(message)
    texts = texts_of({key: value for key, value in rendered.items() if key != "text"})
    assert sum(map(len, texts)) <= 13_000
    assert len(rendered["text"]) <= 3_000
    assert max(map(len, texts)) <= 3_000
    for block in rendered.get("blocks", []):
        assert len(block.get("fields", [])) <= 10
        assert block["type"] != "header" or len(block["text"]["text"]) <= 150
    assert len(rendered.get("blocks", [])) <= 50


def test_what_is_left_out_is_told(notify):
    blocks = notify("blocks")
    many = [{"type": "section", "text": {"type": "mrkdwn", "text": str(number)}} for number in range(60)]
    rendered = blocks.render({"blocks": many})["blocks"]
    assert rendered[:49] == many[:49]
    assert rendered[49]["elements"][0]["text"] == blocks.LEFT_OUT


def test_buttons_and_images_pass_through(notify):
    elements = [{"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": "https://x.example"}]
    block = {"type": "actions", "elements": elements}
    assert notify("blocks").render({"blocks": [block, {"type": "divider"}]})["blocks"] == [block, {"type": "divider"}]


def test_numbers_in_a_template_become_texts(notify):
    rendered = notify("blocks").render({"text": 5, "attachments": [{"fields": [{"title": "rows", "value": 12}]}]})
    assert rendered["text"] == "5"
    assert rendered["attachments"][0]["fields"][0] == {"title": "rows", "value": "12"}


def test_plain_text_says_all_that_the_layout_said(notify):
    assert notify("blocks").plain(GOOD_TEMPLATE)["text"].splitlines() == [
        "*[SUCCESS]* `shop` Workflow",
        "Task Name: +shop+done",
        "Session Date: 2026-11-20",
    ]


@pytest.mark.parametrize("message", [None, "", {}, {"username": "x"}, {"text": ""}, 5, ["x"]])
def test_a_message_with_nothing_to_show_is_refused(notify, message):
    with pytest.raises(notify("errors").MessageInvalid):
        notify("blocks").render(message)
