"""Data and the shell: regular expressions, cleaning, one-liners, an API."""

from __future__ import annotations

from .topic import Topic

REGEX = Topic(
    titles=("Regex for «what»", "Regular expression: «what»", "Why is my regex for «what» so slow"),
    tags=("learning", "bug"),
    projects=("Internal tools", "Search relevance", "Data warehouse"),
    prompts=("terse", "teacher"),
    slots={
        "what": ("order numbers", "log lines", "version numbers", "part numbers"),
        "sample": ("AB-2041-x", "ZK-0007-a", "QT-9310-c"),
    },
    text=r"""
%% ask
I need a regular expression for «what» such as `«sample»`: two capitals, a dash, four digits, and an
optional dash with one small letter.
%% answer
```python
PATTERN = re.compile(r"\b([A-Z]{2})-(\d{4})(?:-([a-z]))?\b", re.ASCII)
```

| part | means |
|---|---|
| `\b` | a word begins or ends here |
| `([A-Z]{2})` | two capitals, kept |
| `\d{4}` | four digits; with `re.ASCII` only 0 to 9 |
| `(?:-([a-z]))?` | perhaps a dash and a letter |

Use `fullmatch` when the text should be nothing else, and `finditer` to look through a page.
%% ask
On some lines it takes seconds. This is the one we really use: `^(\w+\s?)*$`
%% think
Nested quantifier with optional separator: exponential backtracking. Rewrite so that every character
can be matched in one way only.
%% answer
That one can read the same text in exponentially many ways: `aaaa` is one word, or two, or four,
since the space between is optional. When the end does not match, all of them are tried.

Give each character exactly one role:

```python
re.compile(r"\w+(?:\s\w+)*")
```

Now a new word needs a space before it. Forty letters and a question mark go from minutes to
microseconds. If the pattern comes from users, run it in an engine without backtracking, such as
RE2.
%% ask
How do I make it readable for the next person?
%% answer
Write it over several lines and name the groups:

```python
PART = re.compile(
    r'''
    (?P<series> [A-Z]{2} ) -
    (?P<number> \d{4}    )
    (?: - (?P<revision> [a-z] ) )?
    ''',
    re.VERBOSE | re.ASCII,
)
```

And keep three strings beside it that match, and three that must not. They are the documentation.
%% ask
Greedy and lazy: when does it matter?
%% answer
When more than one end is possible. On `<b>one</b><b>two</b>`:

- `<b>.*</b>` takes everything up to the **last** closing tag
- `<b>.*?</b>` stops at the **first**
- `<b>[^<]*</b>` cannot run over a tag at all, and is the quickest

Prefer the third: it says what may stand inside.
""",
)

CLEANING = Topic(
    titles=(
        "Clean «rows» rows of «source» data",
        "pandas: duplicates and dates in the «source» file",
        "Data cleaning for the «source» import",
    ),
    tags=("data",),
    projects=("Data warehouse",),
    prompts=("analyst",),
    slots={
        "source": ("supplier", "customer", "survey", "till"),
        "rows": ("80,000", "1.2 million", "300,000"),
        "twice": ("3,412", "918", "12,077"),
    },
    text=r"""
%% ask
A CSV of «source» data with «rows» rows: dates in three formats, amounts with comma or point, the
same customer spelled in different ways. How would you go about it in pandas?
%% answer
Read everything as text first, so that nothing is guessed for you, and convert column by column:

```python
raw = pd.read_csv("in.csv", dtype=str, keep_default_na=False)

def to_date(text: pd.Series) -> pd.Series:
    result = pd.Series(pd.NaT, index=text.index)
    for pattern in ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y"):
        result = result.fillna(pd.to_datetime(text, format=pattern, errors="coerce"))
    return result

clean = raw.assign(day=to_date(raw["day"].str.strip()))
assert len(clean) == len(raw)
print(raw.loc[clean["day"].isna() & raw["day"].ne(""), "day"].value_counts().head(20))
```

The last line is the important one: it shows what could **not** be read, before you drop anything.
%% ask
How do I deal with the duplicates without losing the better record?
%% call run_query {"sql": "SELECT COUNT(*) - COUNT(DISTINCT «source»_id) FROM staging"}
«twice»
%% answer
Sort so that the better one comes first, then keep the first:

```python
best = (
    clean.assign(filled=clean.notna().sum(axis=1))
    .sort_values(["filled", "updated"], ascending=False)
    .drop_duplicates("customer_key", keep="first")
)
print(f"{len(clean) - len(best):,} of {len(clean):,} rows dropped as duplicates")
```

You should see about «twice» here. If the number is far off, the key is wrong, not the data.
%% ask
And the spelling of the names?
%% answer
In three rounds, each of which can be checked:

1. **normalise**: lower case, accents off, legal forms (`ltd`, `gmbh`, `s.a.`) off, one space
2. **exact match** on the result: gets most of it
3. **similar**: compare only within the same postcode, ratio above 0.92, and let a person look at it

Round three without the postcode is 80,000 times 80,000 comparisons. Do not start there.
%% ask
The amounts: 1.234,56 and 1,234.56 in the same column.
%% answer
The last separator decides, provided that two digits follow:

```python
def to_cents(text: str) -> int | None:
    digits = re.sub(r"[^\d.,-]", "", text)
    match = re.fullmatch(r"(-?[\d.,]*?)[.,](\d{2})", digits)
    whole, cents = match.groups() if match else (digits, "00")
    whole = re.sub(r"[.,]", "", whole)
    return int(whole or "0") * 100 + int(cents) if whole.lstrip("-").isdigit() else None
```

`1.234` stays ambiguous. Count how often it occurs, and ask whoever made the file.
""",
)

SHELL = Topic(
    titles=("Shell one-liner: «task»", "bash: «task»", "«task» without a script"),
    tags=("devops", "learning"),
    projects=("Infrastructure", "Internal tools"),
    prompts=("terse",),
    slots={
        "task": (
            "the ten largest files",
            "requests per minute from a log",
            "rename photos by date",
            "which process holds the port",
        ),
        "port": ("5432", "8000", "8443", "6379"),
    },
    text=r"""
%% ask
I need this in the shell, on a plain Debian: «task». One line if possible.
%% answer
Here are the four that I use most; yours is among them:

```bash
# the ten largest files below this folder
find . -type f -printf '%s\t%p\n' | sort -rn | head | numfmt --field=1 --to=iec

# requests per minute
awk '{print substr($4, 2, 17)}' access.log | uniq -c

# photos renamed by the date inside them
exiftool -d '%Y-%m-%d_%H%M%S%%-c.%%e' '-FileName<DateTimeOriginal' .

# who listens on a port
ss -ltnp 'sport = :«port»'
```

`uniq -c` counts neighbours only, so the log has to be in order, which logs are.
%% ask
File names with spaces and line breaks: is the first one safe?
%% answer
With spaces yes, with line breaks no. For those let a zero byte end each name:

```bash
find . -type f -printf '%s\t%p\0' | sort -zrn | head -zn 10 | tr '\0' '\n'
```

Whenever you hand names on, use `-print0` and `xargs -0`.
%% ask
How do I stop a pipeline when its first part fails?
%% answer
```bash
set -euo pipefail
```

`pipefail` makes a pipeline fail with its last failing part. Mind two surprises: `grep` that finds
nothing counts as failed, and `head` closes the pipe so that the writer before it dies of SIGPIPE
with 141. Write `grep … || true` where nothing is a fine answer.
%% ask
Something holds port «port» and `kill` does nothing.
%% call shell {"command": "ss -ltnp 'sport = :«port»'"}
State  Recv-Q Send-Q Local Address:Port Process
LISTEN 0      4096   127.0.0.1:«port»    users:(("gunicorn",pid=2291,fd=7))
%% answer
It is gunicorn, and you probably stopped a worker: the master starts a new one at once. Ask the
master, which is the parent:

```bash
kill -TERM "$(ps -o ppid= -p 2291 | tr -d ' ')"
```

If systemd started it, `systemctl stop` the unit instead, or it will be back in a second.
""",
)

API = Topic(
    titles=(
        "Pagination for «resource»: offset or cursor",
        "REST design of «resource»",
        "Idempotent POST on «resource»",
    ),
    tags=("idea", "docs", "refactoring"),
    projects=("Checkout service", "Mobile app", "Search relevance"),
    prompts=("coder", "reviewer"),
    slots={
        "resource": ("/orders", "/invoices", "/search", "/messages"),
        "size": ("50", "100", "200"),
    },
    text=r"""
%% ask
Our endpoint `«resource»?page=400` is slow, and customers see entries twice when something new comes
in while they scroll. What should we do instead?
%% think
Offset pagination: O(offset) and unstable under inserts. Keyset pagination fixes both. Need a unique
tie-breaker, an opaque cursor, and a way to migrate clients.
%% answer
Both come from the offset. The database walks over all the rows it skips, and a new row shifts every
page by one. Remember **where** you were instead of **how far**:

```sql
SELECT id, created_at, total
FROM orders
WHERE (created_at, id) < (:created_at, :id)
ORDER BY created_at DESC, id DESC
LIMIT «size»;
```

Hand the pair out as an opaque cursor:

```json
{ "items": [], "next": "MjAyNS0wNi0wMVQwOTo0MDowMFp8ODgxMg" }
```

What you give up is "go to page 400", which nobody does on purpose.
%% ask
How do we change it without breaking the old app?
%% answer
1. Accept `cursor` beside `page` and send `next` in every answer.
2. Cap `page` at 100 and say so in a `Deprecation` header.
3. Watch the share of requests with `page` by app version.
4. Remove it when that share is under one percent for a month.

The cap alone protects the database from the first day.
%% ask
A POST is sometimes sent twice by the phone. How do we avoid two orders?
%% answer
Let the client choose a key and keep it with the result:

```http
POST «resource» HTTP/1.1
Idempotency-Key: 7d0e1f9a-52c4-4a30-9a55-0a6f1a3c2b11
```

- the key has a **unique constraint**, so that two parallel requests cannot both win
- store the answer with it, in the same transaction, and give it again for a repeat
- the same key with another body is an error: 422
- forget keys after a day or two
%% ask
Which status codes do you actually need?
%% answer
| code | when |
|---|---|
| 200, 201, 204 | it worked, it was made, there is nothing to say |
| 400, 422 | not readable, readable but wrong |
| 401, 403 | who are you, you may not |
| 404, 409 | not there, in conflict with what is |
| 429, 503 | too often, not now; both with `Retry-After` |

Everything else tends to surprise somebody's client library.
""",
)

MIGRATION = Topic(
    titles=(
        "Rename a column without downtime: «column»",
        "Migration of «rows» rows in small steps",
        "Make «column» NOT NULL on a live table",
    ),
    tags=("data", "devops"),
    projects=("Data warehouse", "Checkout service", "Infrastructure"),
    prompts=("coder", "analyst"),
    slots={
        "column": ("currency", "country_code", "owner_id"),
        "rows": ("25 million", "70 million", "9 million"),
    },
    text=r"""
%% ask
We have to fill and then require the column `«column»` on a live table with «rows» rows. Nobody may
notice. What is the order of steps?
%% answer
Each step is deployed by itself and can be taken back:

1. add the column, nullable, without a default that rewrites the table
2. write it for **new** rows in the application
3. fill the old rows in batches
4. `ALTER TABLE … ADD CONSTRAINT … CHECK («column» IS NOT NULL) NOT VALID`
5. `VALIDATE CONSTRAINT`, which does not block writes
6. `SET NOT NULL`, instant now that the check is there; drop the check

Between 2 and 4 the old code may still run, so wait for the last instance to go.
%% ask
What does the batch look like?
%% answer
By primary key, never by offset, and with a pause:

```python
last = 0
while True:
    with transaction.atomic():
        ids = list(rows.filter(id__gt=last).order_by("id").values_list("id", flat=True)[:5000])
        if not ids:
            break
        rows.filter(id__in=ids, «column»=None).update(«column»="unknown")
    last = ids[-1]
    time.sleep(0.1)
```

Write `last` somewhere, so that a restart goes on instead of beginning again. Watch replication lag
while it runs.
%% ask
And how do we go back if something breaks at step 4?
%% answer
Steps 1 to 5 only add things, so going back is dropping the constraint. Step 6 is the first that
older code can trip over. My rule: a release that needs a schema, and the release that makes it
required, are never the same release.
""",
)

TOPICS = (REGEX, CLEANING, SHELL, API, MIGRATION)
