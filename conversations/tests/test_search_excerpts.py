"""An excerpt shows why a text was found: the marks are right, and what it holds is text."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations import search
from conversations.models import Annotation
from conversations.search.excerpts import ELLIPSIS, LENGTH, excerpt, merged, read_marks
from conversations.tests.factories import add_message, make_session
from conversations.tests.pages import page

MARKS = ("[", "]")
FILLER = "the quick brown fox jumps over a lazy dog and then again "


def shown(text: str, typed: str, **fields) -> str:
    """Return the excerpt of a message that says `text`, with what was found in brackets."""
    add_message(make_session("Untitled"), 1, text, **fields)
    [row] = search.find(typed, marks=MARKS).rows
    return row["snippet"]


# -- pieces of text -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spans", "joined"),
    [
        ([], []),
        ([(3, 5), (0, 2)], [(0, 2), (3, 5)]),
        ([(0, 2), (2, 4)], [(0, 4)]),
        ([(0, 5), (1, 2)], [(0, 5)]),
        ([(4, 4), (1, 3), (2, 6)], [(1, 6)]),
    ],
)
def test_spans_that_touch_are_one(spans, joined):
    assert merged(spans) == joined


def test_marks_are_read_out_of_a_text():
    assert read_marks("a <b> c <d>", "<", ">") == ("a b c d", [(2, 3), (6, 7)])
    assert read_marks("nothing", "<", ">") == ("nothing", [])


SPANS = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 12)), max_size=30)


@given(text=st.text("ab c\n日é", min_size=1, max_size=900), spans=SPANS)
def test_an_excerpt_is_a_stretch_of_the_text_with_marks_around_what_was_found(text, spans):
    inside = [(start, min(start + length, len(text))) for start, length in spans]
    inside = [span for span in inside if span[0] < span[1]]
    shown = excerpt(text, inside, ("\x01", "\x02"))
    plain = shown.replace("\x01", "").replace("\x02", "")
    assert plain.removeprefix(ELLIPSIS).removesuffix(ELLIPSIS).strip() in text
    assert len(plain) <= LENGTH + 2 * len(ELLIPSIS)
    assert re.sub("[^\x01\x02]", "", shown).replace("\x01\x02", "") == ""
    if any(not text[start:end].isspace() for start, end in inside[:1]):
        assert "\x01" in shown


def test_a_short_text_is_shown_whole():
    assert excerpt("tea is ready", [(0, 3)], MARKS) == "[tea] is ready"


def test_the_stretch_with_most_finds_is_shown():
    text = FILLER * 5 + "tea " + FILLER * 20 + "tea with tea and tea " + FILLER * 20
    spans = [found.span() for found in re.finditer("tea", text)]
    assert "[tea] with [tea] and [tea]" in excerpt(text, spans, MARKS)


def test_an_excerpt_begins_and_ends_at_words():
    text = FILLER * 10 + "tea " + FILLER * 10
    start = text.index("tea")
    shown = excerpt(text, [(start, start + 3)], MARKS)
    words = shown.removeprefix(ELLIPSIS).removesuffix(ELLIPSIS).split()
    assert set(words) <= {*FILLER.split(), "[tea]"}
    assert shown.startswith(ELLIPSIS)
    assert shown.endswith(ELLIPSIS)


# -- of messages ----------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "typed", "excerpt"),
    [
        ("Running errors ran", "run error", "[Running] [errors] ran"),
        ("Éclair and eclair", "éclair", "[Éclair] and [eclair]"),
        ("say hello world now", '"hello world"', "say [hello world] now"),
        ("node.js not node js", "node.js", "[node.js] not node js"),
        ("c++ or c", "c++", "[c++] or c"),
        ("foo_bar foo_bars", "foo_bar", "[foo_bar] foo_bars"),
        ("call getElementById now", "element", "call get[Element]ById now"),
        ("a parseHTMLText b", "html", "a parse[HTML]Text b"),
        ("in TypeErrors only", "errored", "in Type[Error]s only"),
        ("我们喝茶的时候", "喝茶", "我们[喝茶]的时候"),
        ("ในหน่วยความจำของ", "ความจำ", "ในหน่วย[ความจำ]ของ"),
        ("한국어를 배운다", "한국", "[한국]어를 배운다"),
        ("よろしく東京から", "東京", "よろしく[東京]から"),
        ("done🤔 again", "done", "[done]🤔 again"),
        ("done 🤔🎉 again", "🎉", "done 🤔[🎉] again"),
        ("generalization", "general*", "[general]ization"),
        ("unspeakable", "*speak*", "un[speak]able"),
        ("unspeakable", "speak", "un[speak]able"),
        ("one two three", "NEAR(one three)", "[one] two [three]"),
        ("first and first", "^first", "[first] and [first]"),
        ("tea, not coffee", "tea -milk", "[tea], not coffee"),
        ("tea\n\nwith   milk", '"with milk"', "tea\n\n[with   milk]"),
        ("he said don\u2019t", "don't", "he said [don\u2019t]"),
        ("id 3f2a1b9c-aaaa-4bbb", "3f2a1b", "id [3f2a1b]9c-aaaa-4bbb"),
        ("ПИРОЖКИ и пирожки", "Пирожки", "[ПИРОЖКИ] и [пирожки]"),
        ("İstanbul", "istanbul", "[İstanbul]"),
        ("kettle kettle", "kettle kettles", "[kettle] [kettle]"),
    ],
)
def test_what_was_found_is_marked(text, typed, excerpt):
    assert shown(text, typed) == excerpt


@pytest.mark.django_db
@pytest.mark.parametrize("order", search.ORDERS)
def test_every_order_has_the_same_excerpts(order):
    session = make_session("Untitled", "tea one", "two tea", "camelTea")
    rows = search.find("tea", order=order, marks=MARKS).rows
    assert {row["snippet"] for row in rows} == {"[tea] one", "two [tea]", "camel[Tea]"}
    assert {row["session_id"] for row in rows} == {session.id}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "excerpt"),
    [
        ("quokka", "[quokka] done"),
        ("quokkas", "[quokka] done"),
        ('"quokka done"', "[quokka] [done]"),
        ("NEAR(quokka done)", "[quokka] [done]"),
        ("quok*", "[quok]ka done"),
        ("*uokk*", "q[uokk]a done"),
    ],
)
def test_the_end_of_a_megabyte_is_shown_as_its_start(typed, excerpt):
    snippet = shown(FILLER * 18_000 + "quokka done", typed)
    assert snippet.endswith(excerpt)
    assert len(snippet) < 2 * LENGTH


@pytest.mark.django_db
def test_the_part_that_was_found_is_told_and_shown():
    session = make_session(
        "About kettles",
        system_prompt="Be a porcupine.",
        tags=["marmalade"],
        description="gooseberry",
    )
    message = add_message(
        session,
        1,
        "plain words",
        tool_calls=[{"name": "brew", "arguments": {"leaf": "oolong"}}],
        metadata={"thinking": ["I ponder"], "tool_results": ["it whistles"]},
        error_message="overheated",
    )
    Annotation.objects.create(
        annotation_uuid="n", entity_type="message", entity_id=message.id, annotation_type="note",
        content="a remark",
    )  # fmt: skip
    found = {
        "kettle": ("title", "About [kettles]"),
        "porcupine": ("system", "Be a [porcupine]."),
        "marmalade": ("tags", "[marmalade]"),
        "gooseberry": ("description", "[gooseberry]"),
        "plain": ("text", "[plain] words"),
        "oolong": ("tools", "[oolong]"),
        "ponder": ("tools", "I [ponder]"),
        "whistle": ("tools", "it [whistles]"),
        "overheated": ("tools", "[overheated]"),
        "remark": ("notes", "a [remark]"),
    }
    for typed, (part, snippet) in found.items():
        [row] = search.find(typed, marks=MARKS).rows
        assert row["found_in"] == part, typed
        assert snippet in row["snippet"], typed


# -- hostile text ---------------------------------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script> tea",
    "<mark>tea</mark> tea",
    "</mark><img src=x onerror=alert(1)> tea",
    "\ue000tea\ue001 tea",
    "\ue000\ue000\ue001 tea \ue001\ue000",
    "tea &lt;b&gt; &amp;mark;",
    "tea \ue02b \ue023 c++",
    "\u202etea\u202c tea",
    '" onmouseover="alert(1)" tea',
]


@pytest.mark.django_db
@pytest.mark.parametrize("text", HOSTILE)
def test_marks_in_a_text_are_text(text):
    snippet = shown(text, "tea")
    assert snippet.replace("[", "").replace("]", "") == text
    assert "[tea]" in snippet
    assert re.sub(r"\[tea\]", "", snippet).count("[") == 0


@pytest.mark.django_db
@pytest.mark.parametrize("by", ["message", "session"])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_page_shows_hostile_text_as_text(client, text, by):
    add_message(make_session("Untitled"), 1, text)
    answer = page(client, f"/search/?q=tea&by={by}")
    marked = re.findall("<mark>(.*?)</mark>", answer, re.DOTALL)
    assert marked
    assert set(marked) == {"tea"}
    assert "<script>alert" not in answer
    assert "<img src=x" not in answer
    plain = html.unescape(re.sub("</?mark>", "", answer))
    assert text in plain
