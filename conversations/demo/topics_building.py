"""Making code better: reviews, names, tests."""

from __future__ import annotations

from .topic import Topic

REVIEW = Topic(
    titles=(
        "Code review: «feature»",
        "Please review my pull request for «feature»",
        "Second opinion on «feature»",
    ),
    tags=("review", "refactoring"),
    projects=("Checkout service", "Internal tools", "Search relevance"),
    prompts=("reviewer",),
    slots={
        "feature": ("refunds", "password reset", "CSV upload", "gift cards", "rate limiting"),
        "lines": ("140", "320", "510"),
    },
    text=r"""
%% ask
Please review this part of «feature» (the whole change has «lines» lines):

```python
def process(data, flag=False, items=[]):
    try:
        for d in data:
            if d["type"] == "x":
                items.append(convert(d, flag))
        return items
    except Exception:
        return None
```
%% answer
**Must fix**

- `items=[]` is made once and shared by all calls: the second call returns the results of the first.
- `except Exception: return None` hides typing mistakes and full disks alike. Catch what `convert`
  may raise, and let the rest through.

**Should fix**

- Callers now have to ask "list or None?". Return an empty list, or raise.
- `flag` says nothing at the place of the call. `keep_cents=True` would.

**Nice to have**

```python
def converted(rows: Iterable[Row], *, keep_cents: bool = False) -> list[Entry]:
    return [convert(row, keep_cents) for row in rows if row["type"] == "x"]
```
%% ask
The author says the broad except is there on purpose: one bad row must not stop the batch.
%% answer
A good reason, so the code should say exactly that. Keep the row and the reason:

```python
for number, row in enumerate(rows, 1):
    try:
        yield convert(row)
    except ValueError as error:
        rejected.append((number, str(error)))
```

Then one bad row costs one row, somebody can read which, and a bug in `convert` still stops the run.
%% ask
How do I say this without sounding rude? He is new in the team.
%% answer
Ask about the case, not about the person, and offer the change:

> What happens here when `convert` raises a `KeyError` because we mistyped a field? I think we would
> see an empty result and no message. Would collecting the bad rows work for you? Happy to pair on
> it.

And say what is good, if it is true: the change is small and has a test. That helps more than a
smiley.
%% ask
Anything about security in a change like this?
%% answer
For «feature» I would look at four things:

- [ ] who may call it, and is that checked on the server?
- [ ] are sizes limited before anything is read into memory?
- [ ] does a log line contain a token, an address or a card number?
- [ ] can the same request be sent twice with an effect each time?

The last one is the most forgotten. A key chosen by the client that makes a repeat harmless solves
it.
""",
)

NAMING = Topic(
    titles=(
        "A better name for «bad»",
        "Naming: «bad» says nothing",
        "What do we call the thing that «does»",
    ),
    tags=("refactoring", "idea"),
    projects=("Internal tools", "Mobile app", "Search relevance"),
    prompts=("terse",),
    slots={
        "bad": ("DataManager", "process_items", "Helper", "doStuff", "BaseHandlerImpl"),
        "does": ("matches orders to payments", "merges search results", "waits for a file"),
    },
    text=r"""
%% ask
We have a class `«bad»` that «does». Nobody likes the name. Ideas?
%% answer
Name what it *decides*, not that it is a class. For something that «does»:

| name | reads well in | weak spot |
|---|---|---|
| `Matcher` | `matcher.match(order)` | a little general |
| `Reconciliation` | `reconciliation.open_items` | long, but a word of the trade |
| `Ledger` | `ledger.settle(payment)` | promises bookkeeping |

I would ask the people who do it by hand what they call it. Their word is nearly always free, short
and already understood.
%% ask
Is "Manager" always wrong?
%% answer
Not wrong, only empty: it tells that something happens with the data, which we knew. Try the test of
deleting the word. `SessionManager` becomes `Sessions`, and nothing is lost. When nothing remains,
the class had no subject, and its methods may belong to their arguments.
%% ask
Verb or noun for functions that return something?
%% answer
- returns a value, changes nothing: a **noun** or participle, `open_orders()`, `sorted_by_date()`
- changes something: a **verb**, `archive(order)`
- asks: `is_`, `has_`, `can_`

The reader then sees at the call whether it is safe to call twice.
""",
)

TESTS = Topic(
    titles=(
        "Write tests for «unit»",
        "Edge cases of «unit»",
        "Property tests for «unit»",
    ),
    tags=("testing",),
    projects=("Checkout service", "Data warehouse", "Mobile app"),
    prompts=("coder",),
    slots={
        "unit": ("parse_price", "split_name", "next_business_day", "slugify"),
        "bug": ("an empty string", "a leap day", "a negative amount", "an emoji"),
    },
    text=r"""
%% ask
I need tests for `«unit»`. It has none, it has been in production for years, and last week it failed
on «bug».
%% answer
Begin with the bug, because that test you can see fail:

```python
def test_a_value_nobody_expected_is_refused():
    with pytest.raises(ValueError, match="amount"):
        «unit»("")
```

Then write down what it does today, right or wrong, in one table:

```python
@pytest.mark.parametrize(
    ("given", "expected"),
    [("simple", "simple"), (" with spaces ", "with-spaces"), ("ÄÖÜ", "aou")],
)
def test_what_it_does_today(given, expected):
    assert «unit»(given) == expected
```

Now you may change it without fear.
%% ask
One fails: it cuts the last character. Is the test wrong or the code?
%% call run_tests {"command": "pytest -q -k «unit»"}
....F
1 failed, 4 passed in 0.31s
%% answer
Ask who depends on it. Search the callers first; if one of them adds the character again, there are
two bugs that cancel out. If nobody does, the code is wrong: fix it in a commit of its own with this
test, so that it can be reverted alone.
%% ask
Would property based testing find more?
%% answer
For functions like `«unit»` it is very good, if you can name a law:

- **round trip**: `parse(show(x)) == x`
- **idempotence**: `f(f(x)) == f(x)`
- **nothing lost**: the length of the parts adds up

```python
@given(st.text())
def test_twice_is_once(text):
    assert «unit»(«unit»(text)) == «unit»(text)
```

It found an unpaired surrogate in our case within a second. Keep the table as well: people read
examples, not laws.
%% ask
How much coverage is enough?
%% answer
Wrong question, useful number. Look at which lines are *not* covered: error handling that never ran
is a guess. I would rather break a line on purpose and see a test go red than raise 83 % to 90 %.
""",
)

TOPICS = (REVIEW, NAMING, TESTS)
