"""Things that go wrong: races, slow queries, flaky builds, lost commits, leaks."""

from __future__ import annotations

from .topic import Topic

RACE = Topic(
    titles=(
        "Race condition in the «thing» cache",
        "Two workers overwrite the same «thing»",
        "Lost updates when a «thing» is saved twice",
    ),
    tags=("debugging", "bug"),
    projects=("Checkout service", "Internal tools"),
    prompts=("coder",),
    slots={
        "thing": ("cart", "coupon", "stock level", "session", "price list"),
        "workers": ("four", "eight", "twelve"),
        "rate": ("one in ten thousand", "one in a thousand", "one in fifty thousand"),
    },
    text=r"""
%% ask
Under load we sometimes lose an update of a «thing». We run «workers» workers and it hits «rate»
requests. The code reads the value, changes it in Python and writes it back. Where do I start?
%% think
A read, a change in memory and a write are three steps. Two workers that read before either writes
will both start from the same value, and the later write wins. The usual ways out: an atomic
statement, a row lock, or a version column that makes the second writer fail. Logging will not show
it, so the test has to force the interleaving.
%% call read_file {"path": "checkout/store.py", "lines": "40-58"}
def add_item(key, item):
    state = load(key)            # SELECT
    state["items"].append(item)
    save(key, state)             # UPDATE
%% answer
That is a classic **lost update**. Both workers load the same state, both append, and the second
`save` overwrites the first.

Three ways out, from the cheapest:

1. Let the database do the arithmetic in one statement.
2. Lock the row while you work on it:

   ```python
   with transaction.atomic():
       row = Cart.objects.select_for_update().get(pk=key)
       row.items.append(item)
       row.save(update_fields=["items"])
   ```

3. Keep a `version` column and make the write conditional.

I would take the second here: the critical section is short, and it needs no retry.
%% ask
How can I prove it in a test? It never happens on my machine.
%% answer
Force the interleaving instead of waiting for luck. A barrier makes both threads read before either
of them writes:

```python
def test_two_writers_lose_nothing(store):
    barrier = threading.Barrier(2)

    def add(item):
        with store.paused_after_load(barrier.wait):
            store.add_item("k", item)

    threads = [threading.Thread(target=add, args=(n,)) for n in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join(timeout=5)
    assert sorted(store.load("k")["items"]) == [0, 1]
```

Without the lock it fails every time. With the lock the barrier would wait for ever, so give it a
timeout and treat `BrokenBarrierError` as success: the second thread was kept out.
%% ask
We also cache the «thing» in Redis. Does the lock help there?
%% answer
No, the lock protects the row and nothing else. The order matters:

| step | safe | why |
|---|---|---|
| write row, then delete key | mostly | a reader may put the old value back in between |
| delete key, then write row | no | the next reader caches the old row |
| write row, delete key **after commit** | yes, with an expiry | the window is milliseconds |

Use `transaction.on_commit(lambda: cache.delete(key))` and keep an expiry of a minute, so that
whatever slips through heals itself.
%% ask
What would the version with a version column look like?
%% answer
```sql
UPDATE carts
SET items = :items, version = version + 1
WHERE id = :id AND version = :seen;
```

If that changes no row, somebody was faster: load again and repeat, at most three times. It needs no
lock and works well as long as conflicts are rare. When two people edit the same row all day, the
retries cost more than the lock did.
%% ask
Could a deadlock come of the row locks?
%% answer
Yes, as soon as one request locks **two** rows. Request A takes 1 then 2, request B takes 2 then 1,
and both wait. Always lock in the same order:

```python
rows = Cart.objects.select_for_update().filter(pk__in=ids).order_by("pk")
```

PostgreSQL notices the cycle after a second and ends one of the two with an error, so add a retry
around the transaction anyway.
""",
)

SLOW_QUERY = Topic(
    titles=(
        "Slow query on «table»",
        "Why does PostgreSQL scan all of «table»",
        "Index for the «table» report",
        "From «slow» seconds to milliseconds: «table»",
    ),
    tags=("performance", "data"),
    projects=("Data warehouse", "Checkout service", "Search relevance"),
    prompts=("coder", "terse"),
    slots={
        "table": ("orders", "events", "invoices", "page_views", "shipments"),
        "slow": ("four", "nine", "thirty"),
        "rows": ("12 million", "40 million", "180 million"),
        "column": ("customer_id", "account_id", "store_id"),
    },
    text=r"""
%% ask
This takes «slow» seconds on a table of «rows» rows, although there is an index on `«column»`:

```sql
SELECT * FROM «table»
WHERE «column» = 4711 AND created_at >= now() - interval '7 days'
ORDER BY created_at DESC
LIMIT 50;
```
%% call run_query {"sql": "EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM «table» ...", "timeout": 60}
Limit  (actual rows=50)
  ->  Sort  (actual rows=50) Sort Method: top-N heapsort
        ->  Index Scan using «table»_«column»  (actual rows=218340)
              Filter: (created_at >= (now() - '7 days'::interval))
              Rows Removed by Filter: 191022
        Buffers: shared hit=1204 read=187733
%% answer
The index finds all rows of that one `«column»`, two hundred thousand of them, and the time is only
a filter afterwards. One index over both columns does the filter *and* the order:

```sql
CREATE INDEX CONCURRENTLY «table»_by_«column»_time
    ON «table» («column», created_at DESC);
```

PostgreSQL then reads fifty entries and stops. Expect a few milliseconds. Afterwards the old index
on `«column»` alone is redundant and may go.
%% ask
Why not the other way round, created_at first?
%% answer
Because a range ends the usable part of the index. With `(«column», created_at)` the equal part
comes first and the range is one contiguous piece. With `(created_at, «column»)` the database would
walk through *everybody's* last seven days and pick out yours.

Rule of thumb: **equality, then order or range, then the rest**.
%% ask
Can I build it without stopping writes?
%% answer
Yes, that is what `CONCURRENTLY` is for. What to know:

- it cannot run inside a transaction, so a migration needs `atomic = False`
- it reads the table twice and waits for old transactions to end
- if it fails it leaves an `INVALID` index behind: drop that and start again

Check with:

```sql
SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid;
```
%% ask
The planner's estimate is far off: it expected 900 rows and got 218340.
%% think
An estimate that is off by two hundred times usually means a skewed column: few values hold most of
the rows, and the list of most common values is too short, or the statistics are old.
%% answer
Then the statistics are old or too coarse for a skewed column. First `ANALYZE «table»;`. If it stays
off:

```sql
ALTER TABLE «table» ALTER COLUMN «column» SET STATISTICS 1000;
ANALYZE «table»;
```

That lets the planner remember a thousand of the most common values instead of one hundred. Two
columns that depend on each other also need `CREATE STATISTICS`.
%% ask
And on SQLite, which we use in the tests?
%% answer
The same index, the same reasoning, other tools:

| | PostgreSQL | SQLite |
|---|---|---|
| plan | `EXPLAIN (ANALYZE)` | `EXPLAIN QUERY PLAN` |
| statistics | `ANALYZE`, automatic | `ANALYZE`, by hand |
| build without stopping writers | `CONCURRENTLY` | no |

Look for `SEARCH ... USING INDEX` and for the absence of `USE TEMP B-TREE FOR ORDER BY`.
""",
)

FLAKY = Topic(
    titles=(
        "Flaky test in «suite»",
        "CI fails every «often» run, green on retry",
        "Hunting a test that depends on the order",
    ),
    tags=("testing", "devops", "bug"),
    projects=("Infrastructure", "Mobile app", "Checkout service"),
    prompts=("coder",),
    slots={
        "suite": ("test_payments", "test_login", "the browser tests", "test_sync"),
        "often": ("fifth", "tenth", "twentieth"),
    },
    text=r"""
%% ask
A test in «suite» fails in every «often» pipeline and passes when we press retry. Nobody can repeat
it at home. How do we corner it?
%% answer
Sort the suspects first. Nearly every flaky test is one of these:

- **order**: another test leaves something behind
- **time**: midnight, time zones, a `sleep` that is too short
- **chance**: an unseeded random value, a set or dict printed in a test
- **resources**: two cores at home, half a core in the pipeline

Then repeat it under the conditions of the pipeline:

```console
$ pytest -p no:randomly -x --count 200 tests/«suite»
$ taskset -c 0 nice -n 19 pytest tests/«suite»
```
%% ask
It only fails when it runs after another one. Can I find out which?
%% call run_tests {"command": "pytest --collect-only -q | wc -l", "folder": "tests"}
412
%% answer
Bisect the list: run the first half of the 412 before the victim, then the half of the half that
still fails. Nine rounds are enough, and a loop does it:

```bash
pytest --collect-only -q > all.txt
lo=1; hi=412
while [ "$lo" -lt "$hi" ]; do
  mid=$(( (lo + hi) / 2 ))
  if pytest -q $(sed -n "${lo},${mid}p" all.txt) "$VICTIM"; then lo=$((mid + 1)); else hi=$mid; fi
done
sed -n "${lo}p" all.txt
```
%% ask
Found it: a module level list that grows. What is the tidy fix?
%% answer
Give the list an owner that is made anew for each test:

```python
@pytest.fixture
def registry():
    return Registry()
```

A fixture that empties the list afterwards also works, but it is forgotten in the next test file.
If production code needs one instance per process, make it in the entry point and pass it down.
%% ask
Should we retry flaky tests automatically in the meantime?
%% answer
Retry, but never silently:

1. mark the test by name with a ticket number, not the whole suite
2. one retry, not three
3. count the retries and show the number in the weekly report

Otherwise the retry becomes the fix, and the real bug (often a race in the product, not in the test)
ships.
""",
)

GIT = Topic(
    titles=("Get commits back after a «mishap»", "git «mishap» went wrong", "Undo a «mishap»"),
    tags=("debugging", "follow-up"),
    projects=("Internal tools", "Mobile app", "Infrastructure"),
    prompts=("terse",),
    slots={
        "mishap": ("rebase", "force push", "hard reset"),
        "branch": ("feature/receipts", "fix/login-loop", "release/2.4"),
        "hash": ("4f2c91a", "9be07d3", "c61d0e8"),
    },
    text=r"""
%% ask
I did a «mishap» on `«branch»` and two days of work are gone from the log. Please tell me that there
is a way back.
%% answer
There is, as long as it was committed once. Git keeps every place where `HEAD` has been for ninety
days:

```console
$ git reflog --date=relative | head -20
$ git branch rescue «hash»
$ git log --oneline rescue
```

Look for the last line **before** the «mishap», put a branch on it and do nothing else until you
have seen your files there.
%% ask
The reflog has it as «hash». How do I put «branch» back there?
%% answer
```console
$ git switch «branch»
$ git reset --keep «hash»
```

`--keep` stops instead of throwing away changes that you have not committed, which `--hard` would
not. If the branch has been pushed in the meantime, compare before you push again:

```console
$ git range-diff origin/main origin/«branch» «branch»
$ git push --force-with-lease
```
%% ask
And changes that I had only staged, never committed?
%% answer
Staged content was written to the object store, so it is there without a name:

```console
$ git fsck --lost-found
$ ls .git/lost-found/other
```

Each file in that folder is the content of one staged file. Changes that were neither staged nor
committed are gone; some editors keep a local history that may have them.
%% ask
How do we make this harder to do by accident?
%% answer
- protect `main` and release branches on the server against force pushes
- `git config --global alias.pf 'push --force-with-lease --force-if-includes'`
- `git config --global rerere.enabled true`, so that conflicts are solved once
- push work in progress every evening: a remote copy beats any reflog
""",
)

TOPICS = (RACE, SLOW_QUERY, FLAKY, GIT)
