"""What a user typed becomes a tree of what must be in a text; nothing is refused."""

from __future__ import annotations

import pytest

from conversations.search.query import (
    DEEPEST,
    FIELDS,
    LONGEST,
    MOST_TERMS,
    And,
    Field,
    First,
    Near,
    Not,
    Or,
    Phrase,
    Prefix,
    Substring,
    Within,
    Word,
    parse,
)

A, B, C, D = map(Word, "abcd")


def all_of(*nodes) -> And:
    return And(nodes)


def any_of(*nodes) -> Or:
    return Or(nodes)


def plain(node):
    """Return a tree without the places of its fields."""
    match node:
        case Field():
            return (node.name, node.value)
        case And(of=nodes) | Or(of=nodes):
            return type(node)(tuple(map(plain, nodes)))
        case Not(of=inner):
            return Not(plain(inner))
        case Within(part=part, of=inner):
            return Within(part, plain(inner))
    return node


def check(typed: str, tree) -> None:
    parsed = parse(typed)
    assert plain(parsed.tree) == tree
    assert parsed.notes == []


@pytest.mark.parametrize(
    ("typed", "tree"),
    [
        ("a", A),
        ("a b", all_of(A, B)),
        ("  a \n b\t", all_of(A, B)),
        ('"a b"', Phrase("a b")),
        ('"a b"*', Phrase("a b", begins=True)),
        ('"a b" *', Phrase("a b", begins=True)),
        ('"a b" *c*', all_of(Phrase("a b"), Substring("c"))),
        ('"say ""a"" twice"', Phrase('say "a" twice')),
        ('"a" + "b c"', Phrase("a b c")),
        ("a + b", Phrase("a b")),
        ("a + b*", Phrase("a b", begins=True)),
        ("begin*", Prefix("begin")),
        ("*part*", Substring("part")),
        ("^first", First("first")),
        ("NEAR(a b)", Near(("a", "b"), 10)),
        ("NEAR(a b, 3)", Near(("a", "b"), 3)),
        ('NEAR("a b" c , 0)', Near(("a b", "c"), 0)),
        ("-a", Not(A)),
        ("NOT a", Not(A)),
        ('-"a b"', Not(Phrase("a b"))),
        ("-(a b)", Not(all_of(A, B))),
        ("content : a", Within("text", A)),
        ("content:(a OR b)", Within("text", any_of(A, B))),
    ],
)
def test_each_construct_has_its_node(typed, tree):
    check(typed, tree)


@pytest.mark.parametrize(
    ("typed", "tree"),
    [
        ("a b OR c", any_of(all_of(A, B), C)),
        ("a OR b c", any_of(A, all_of(B, C))),
        ("a AND b OR c AND d", any_of(all_of(A, B), all_of(C, D))),
        ("a OR b AND c", any_of(A, all_of(B, C))),
        ("a b NOT c", all_of(all_of(A, B), Not(C))),
        ("a NOT b c", all_of(A, Not(all_of(B, C)))),
        ("a NOT b NOT c", all_of(A, Not(B), Not(C))),
        ("a AND b NOT c", all_of(A, all_of(B, Not(C)))),
        ("a NOT b AND c", all_of(all_of(A, Not(B)), C)),
        ("a OR b NOT c", any_of(A, all_of(B, Not(C)))),
        ("(a OR b) AND c", all_of(any_of(A, B), C)),
        ("a (b OR c)", all_of(A, any_of(B, C))),
        ("a -b OR c", any_of(all_of(A, Not(B)), C)),
        ("a -b c", all_of(A, Not(B), C)),
        ("a AND NOT b", all_of(A, Not(B))),
        ("a OR(b)", any_of(A, B)),
        ("((a))", A),
    ],
)
def test_side_by_side_binds_tightest_then_not_then_and_then_or(typed, tree):
    check(typed, tree)


@pytest.mark.parametrize("typed", ["and", "or", "not", "NOTHING", "ORE", "ANDROID", "near"])
def test_operators_are_in_capitals_and_stand_alone(typed):
    check(typed, Word(typed))


@pytest.mark.parametrize(
    "name",
    [
        "node.js", "c++", "C#", "foo_bar", "__init__", "--force", "->", "a->b", "=>", "-=", "a|b",
        "main()", "f(g(x))", "self.f(a,b).g()", "src/app/main.py", "C++17", "a@example.org", "50%",
        "http://example.org/?a=1&b=2#c", "10.0.0.1", "TypeError:", "don't", "*args", "a+b", "_",
        "std::vector", "#tag", "$HOME", "日本", "สวัสดี", "🙂", "...", "?", "e4748d1e-e176-42bd",
    ],
)  # fmt: skip
def test_a_name_is_one_word_with_all_its_marks(name):
    check(name, Word(name))
    check(f"a {name} b", all_of(A, Word(name), B))


@pytest.mark.parametrize(
    "typed",
    [
        "word,",
        "word.",
        "word?!",
        "(word)",
        "'word'",
        "«word»",
        "“word”",
        "¿word?",
        "[word]",
        "word…",
    ],
)
def test_the_marks_of_a_sentence_are_not_meant(typed):
    check(typed, Word("word"))


@pytest.mark.parametrize("name", sorted(set(FIELDS) - {"title"}))
def test_a_field_has_a_name_and_a_value(name):
    check(f"{name}:some-value", (name, "some-value"))
    check(f"{name.upper()}:x", (name, "x"))
    check(f'{name}:"two words" a', all_of(A, (name, "two words")))
    check(f"-{name}:x a", all_of(A, Not((name, "x"))))


def test_a_field_tells_where_it_stands():
    typed = 'a -model:"gpt 4" b'
    [field] = [node.of for node in parse(typed).tree.of if isinstance(node, Not)]
    assert typed[field.start : field.end] == 'model:"gpt 4"'


@pytest.mark.parametrize(
    ("typed", "tree"),
    [
        ("role:user a OR b", all_of(any_of(A, B), ("role", "user"))),
        ("a OR b role:user", all_of(any_of(A, B), ("role", "user"))),
        ("a OR b -role:user", all_of(any_of(A, B), Not(("role", "user")))),
        ("a tag:x OR b tag:y", all_of(any_of(A, B), ("tag", "x"), ("tag", "y"))),
        ("role:user", ("role", "user")),
        ("role:user tag:x", all_of(("role", "user"), ("tag", "x"))),
        ("role:user OR role:tool", any_of(("role", "user"), ("role", "tool"))),
        ("title:a b OR c", all_of(any_of(B, C), Within("title", A))),
        ("(role:user a) OR b", any_of(all_of(("role", "user"), A), B)),
        ("(role:user OR role:tool) a", all_of(any_of(("role", "user"), ("role", "tool")), A)),
        ("a NOT role:user", all_of(A, Not(("role", "user")))),
    ],
)
def test_a_field_outside_of_brackets_holds_for_everything(typed, tree):
    check(typed, tree)


@pytest.mark.parametrize(
    ("typed", "inner"),
    [
        ("title:a", A),
        ('title:"a b"', Phrase("a b")),
        ("title:a*", Prefix("a")),
        ("title:*a*", Substring("a")),
        ("title:(a OR b)", any_of(A, B)),
    ],
)
def test_a_title_is_asked_for_as_texts_are(typed, inner):
    check(typed, Within("title", inner))
    check(f"-{typed}", Not(Within("title", inner)))


@pytest.mark.parametrize("typed", ["role:", "role: user", "a role:"])
def test_a_field_without_a_value_is_a_word(typed):
    parsed = parse(typed)
    assert Word("role:") in (parsed.tree, *getattr(parsed.tree, "of", ()))


def test_a_field_that_nothing_knows_is_a_word_and_reported():
    typed = "a modle:gpt-4 b"
    parsed = parse(typed)
    assert plain(parsed.tree) == all_of(A, Word("modle:gpt-4"), B)
    [unknown] = parsed.unknown
    assert (unknown.name, unknown.value) == ("modle", "gpt-4")
    assert typed[unknown.start : unknown.end] == "modle:gpt-4"


@pytest.mark.parametrize("typed", ["https://example.org", "file:///tmp/x", "a https://b.org c"])
def test_an_address_is_no_field(typed):
    assert parse(typed).unknown == []


@pytest.mark.parametrize(
    ("typed", "words", "reason"),
    [
        ("a OR", ["a", "OR"], "OR has nothing on one side"),
        ("AND a", ["AND", "a"], "AND has nothing on one side"),
        ("a OR OR b", ["a", "OR", "OR", "b"], "OR has nothing on one side"),
        ("a NOT", ["a", "NOT"], "NOT has nothing on one side"),
        ("NOT", ["NOT"], "NOT has nothing behind it"),
        ("(a b", ["a", "b"], "a bracket is not closed"),
        ("a b)", ["a", "b"], "a bracket is closed that was not opened"),
        ("a ()", ["a", "()"], "there is nothing between brackets"),
        ("a + ", ["a", "+"], "+ has nothing behind it"),
        ("+ a", ["+", "a"], "+ has nothing before it"),
        ("NEAR() a", ["NEAR()", "a"], "NEAR has nothing in its brackets"),
        ("-(", ["-("], "a bracket is not closed"),
        ("title:) a", ["title:", "a"], "a bracket is closed"),
    ],
)
def test_what_cannot_be_read_is_searched_for_word_by_word(typed, words, reason):
    parsed = parse(typed)
    found = [parsed.tree] if isinstance(parsed.tree, Word) else list(parsed.tree.of)
    assert found == list(map(Word, words))
    [note] = parsed.notes
    assert "could not be read as a query" in note
    assert reason in note


def test_a_quote_that_is_not_closed_is_read_to_the_end():
    parsed = parse('a "b c')
    assert parsed.tree == all_of(A, Phrase("b c"))
    assert parsed.notes == ["A quote is not closed: it was read to the end."]


@pytest.mark.parametrize("typed", ["", " ", "\n\t "])
def test_nothing_typed_is_no_tree(typed):
    assert parse(typed).tree is None


def test_of_a_text_that_is_too_long_the_beginning_is_read():
    parsed = parse("x" * LONGEST + " y")
    assert parsed.tree == Word("x" * LONGEST)
    assert "first 10,000 characters" in parsed.notes[0]


def test_of_too_many_words_the_first_are_searched_for():
    assert len(parse("a " * MOST_TERMS).tree.of) == MOST_TERMS
    parsed = parse("a " * (MOST_TERMS + 1))
    assert len(parsed.tree.of) == MOST_TERMS
    assert f"more than {MOST_TERMS} words" in parsed.notes[0]


@pytest.mark.parametrize("opening", ["(", "-(", "title:(", "content:("])
def test_brackets_may_not_lie_too_deep_within_each_other(opening):
    levels = DEEPEST // (2 if ":" in opening else 1)
    assert parse(opening * levels + "a" + ")" * levels).notes == []
    parsed = parse(opening * 900 + "a" + ")" * 900)
    assert f"more than {DEEPEST} brackets" in parsed.notes[0]


def test_a_row_of_minus_signs_is_no_endless_descent():
    assert parse("- " * 4000 + "a").tree is not None
    assert parse("-" * 9000 + "a").tree == Word("-" * 9000 + "a")
    assert parse('-"' * 4000).tree is not None
    assert parse("title:" * 1500 + "a").tree is not None
    assert parse("content:" * 1200 + "a").tree is not None
