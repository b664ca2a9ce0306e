"""Languages and machinery: TypeScript, Rust, CSS, containers, memory."""

from __future__ import annotations

from .topic import Topic

TYPESCRIPT = Topic(
    titles=(
        "TypeScript: type for a «shape» API response",
        "Discriminated union instead of optional fields",
        "Make the «shape» client type safe",
    ),
    tags=("frontend", "refactoring"),
    projects=("Mobile app", "Docs and website"),
    prompts=("coder",),
    slots={
        "shape": ("paged", "payment", "search", "upload"),
        "extra": ("pending", "cancelled", "expired"),
    },
    text=r"""
%% ask
Our «shape» response is typed with six optional fields, and everybody writes `data!.items!`. How do
I type it so that the compiler knows what is there?
%% answer
Say which fields come *together*. A union with a common tag does that:

```ts
type Result<T> =
  | { status: "ok"; items: T[]; nextCursor: string | null }
  | { status: "error"; code: number; message: string };

function show(result: Result<Order>) {
  if (result.status === "error") return result.message;
  return result.items.length; // known to be there
}
```

After the check of `status` the compiler narrows the type, and the exclamation marks can go.
%% ask
How do I make sure that a new status, say "«extra»", is not forgotten anywhere?
%% answer
Let the compiler prove that nothing is left over:

```ts
function never(value: never): never {
  throw new Error(`unexpected: ${JSON.stringify(value)}`);
}

switch (result.status) {
  case "ok": return list(result.items);
  case "error": return warn(result.message);
  default: return never(result);
}
```

Add `"«extra»"` to the union and every such `switch` becomes an error until it handles it.
%% ask
The server can send anything, though. Is the type not a lie?
%% answer
At the border it is, so parse there and trust it inside:

```ts
const Order = z.object({ id: z.string(), total: z.number().int() });
type Order = z.infer<typeof Order>;

const order = Order.parse(await response.json());
```

One schema gives you the check at run time and the type at compile time. Keep it in the API client;
components should never see `unknown`.
%% ask
What is the difference between `satisfies` and a type annotation here?
%% answer
An annotation *widens* to the type you write, `satisfies` only checks against it:

```ts
const a: Record<string, string> = { home: "/" };
a.orders; // string, says the compiler, and undefined in truth

const b = { home: "/" } satisfies Record<string, string>;
b.orders; // error: there is no such key
```

Use `satisfies` for tables of constants.
""",
)

RUST = Topic(
    titles=(
        "Rust: cannot borrow `«name»` as mutable",
        "Borrow checker and a «name» that is used twice",
        "Rust lifetimes in the log parser",
    ),
    tags=("learning", "debugging"),
    projects=("Internal tools",),
    prompts=("teacher", "coder"),
    slots={"name": ("self.index", "buffer", "cache", "self.rules")},
    text=r"""
%% ask
I get `cannot borrow «name» as mutable because it is also borrowed as immutable` in this loop:

```rust
for rule in &self.rules {
    if rule.matches(line) {
        self.count(rule.name());
    }
}
```

I only want to count. Why is that forbidden?
%% think
The loop holds a shared borrow of self.rules for its whole length; count takes &mut self, which is
all of self, rules included. Splitting the borrow by field solves it. Worth showing why it would be
a real bug in another language.
%% answer
`self.count(…)` borrows **all** of `self` mutably, and the loop still holds `self.rules`. The
compiler cannot see that `count` leaves the rules alone. If it did push a rule, the iterator would
point into freed memory.

Borrow the fields separately:

```rust
let Self { rules, counts, .. } = self;
for rule in rules.iter() {
    if rule.matches(line) {
        *counts.entry(rule.name().to_owned()).or_insert(0) += 1;
    }
}
```

Two different fields may be borrowed in two ways at the same time.
%% ask
Would a clone of the rules be so bad?
%% answer
For ten rules it is fine, and honest code beats clever code. For a loop over millions of lines,
cloning inside it is the kind of cost that shows up in a profile. Destructuring is free, so I would
learn it once.
%% ask
When do I need Rc<RefCell<T>>?
%% answer
When several owners must change one value and no one of them lives longest:

| need | type |
|---|---|
| one owner | `T` |
| many readers, one thread | `Rc<T>` |
| many writers, one thread | `Rc<RefCell<T>>` |
| many writers, many threads | `Arc<Mutex<T>>` |

`RefCell` moves the check to run time: it panics where the compiler would have complained. If you
reach for it in the first week, the data probably wants to be a tree with indices instead.
%% ask
And why does this function want a lifetime?

```rust
fn longest(a: &str, b: &str) -> &str
```
%% answer
Because the result points into one of the two, and the caller has to know how long it stays valid:

```rust
fn longest<'a>(a: &'a str, b: &'a str) -> &'a str {
    if a.len() >= b.len() { a } else { b }
}
```

Read it as: *the result lives no longer than the shorter of both*. Nothing is changed at run time.
With a single argument the compiler fills it in by itself.
""",
)

DOCKER = Topic(
    titles=(
        "Dockerfile for the «app»: smaller and faster",
        "«app» image is «size», why",
        "Docker layer cache is never used in CI",
    ),
    tags=("devops", "performance"),
    projects=("Infrastructure", "Docs and website"),
    prompts=("coder", "terse"),
    slots={
        "app": ("API", "worker", "website", "admin pages"),
        "size": ("1.9 GB", "2.4 GB", "1.2 GB"),
    },
    text=r"""
%% ask
The image of the «app» is «size» and every build installs all packages again. The Dockerfile:

```dockerfile
FROM python:3.12
COPY . /app
RUN pip install -r /app/requirements.txt
CMD ["python", "/app/main.py"]
```
%% answer
`COPY . /app` changes with every commit, so everything below it is built anew. Copy what changes
seldom first, and leave the compiler behind:

```dockerfile
FROM python:3.12-slim AS build
WORKDIR /app
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --prefix=/install -r requirements.txt

FROM python:3.12-slim
COPY --from=build /install /usr/local
WORKDIR /app
COPY . .
USER 1000
CMD ["python", "main.py"]
```

Add a `.dockerignore` with `.git`, `node_modules` and test data. I expect something near 250 MB.
%% ask
In CI the cache is always cold, each job gets a new machine.
%% call read_file {"path": ".github/workflows/build.yml"}
- uses: docker/build-push-action@v6
  with:
    push: true
    tags: registry.example.com/«app»:latest
%% answer
Then the cache has to travel. Let the build write it to the registry and read it back:

```yaml
with:
  push: true
  tags: registry.example.com/app:${{ github.sha }}
  cache-from: type=registry,ref=registry.example.com/app:cache
  cache-to: type=registry,ref=registry.example.com/app:cache,mode=max
```

`mode=max` keeps the layers of the build stage too, and those are the slow ones. I would also stop
using `latest`: nobody can say later what was running.
%% ask
Is Alpine worth it?
%% answer
For Go or Rust, often. For Python, seldom: packages with C parts have no ready wheels for musl or
slower ones, so you compile for ten minutes to save 40 MB. `slim` is the calm choice.
%% ask
The container ignores Ctrl+C and takes ten seconds to stop.
%% answer
Your program is process 1 and gets no default signal handlers, or a shell sits in between and keeps
the signal. Two fixes:

1. the array form of `CMD`, so that there is no shell
2. `docker run --init`, or `init: true` in Compose

And handle `SIGTERM` in the program, so that requests in flight may finish.
""",
)

CSS = Topic(
    titles=(
        "CSS: «element» overflows on a phone",
        "Layout of the «element» with grid",
        "Dark mode for the «element»",
    ),
    tags=("frontend", "bug"),
    projects=("Docs and website", "Mobile app"),
    slots={"element": ("price table", "navigation", "code sample", "order list")},
    text=r"""
%% ask
The «element» is wider than the screen on a phone and the whole page scrolls sideways. `overflow:
hidden` on the body only hides it.
%% answer
Something inside refuses to shrink. Children of a grid or flex container have `min-width: auto`,
which means *as wide as the longest word*. Let them shrink and let the part itself scroll:

```css
.layout { display: grid; grid-template-columns: minmax(0, 1fr); }
.wide   { overflow-x: auto; }
```

To find the culprit, put `* { outline: 1px solid red }` into the page for a moment.
%% ask
And two columns as soon as there is space, without media queries?
%% answer
```css
.cards {
  display: grid;
  gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr));
}
```

The `min(20rem, 100%)` is the part that is often left out: without it a screen narrower than 20rem
overflows again.
%% ask
How do I do dark mode without doubling every rule?
%% answer
Name the roles of colours, not the colours:

```css
:root {
  color-scheme: light dark;
  --text: light-dark(#1c1c1c, #e8e8e8);
  --paper: light-dark(#fff, #15171a);
}
body { color: var(--text); background: var(--paper); }
```

Form fields and scroll bars follow `color-scheme` by themselves. Check the contrast of links in
both.
""",
)

LEAK = Topic(
    titles=(
        "Memory of the «service» grows until it is killed",
        "Leak in the «service» after «days» days",
        "OOMKilled: where does the memory go",
    ),
    tags=("debugging", "performance", "devops"),
    projects=("Infrastructure", "Search relevance"),
    prompts=("coder",),
    slots={
        "service": ("indexer", "image resizer", "webhook worker", "scheduler"),
        "days": ("two", "three", "five"),
        "limit": ("512 MB", "1 GB", "2 GB"),
    },
    text=r"""
%% ask
Our «service» starts at 180 MB, grows steadily and is killed at «limit» after «days» days. It is
plain Python. How do I see what is holding on?
%% think
Steady growth over days, not a jump: likely a cache without a limit, a list that is appended to, or
fragmentation. Compare two snapshots of tracemalloc rather than one, so that the baseline drops out.
%% call read_metrics {"service": "«service»", "metric": "resident_memory_bytes", "hours": 48}
00:00 191 MB
12:00 288 MB
24:00 386 MB
36:00 481 MB
%% answer
Compare two moments instead of looking at one:

```python
import tracemalloc

tracemalloc.start(10)
before = tracemalloc.take_snapshot()
...  # an hour of work
after = tracemalloc.take_snapshot()
for stat in after.compare_to(before, "lineno")[:10]:
    print(stat)
```

Usual finds: a dict used as a cache, `lru_cache` on a *method* (it keeps every `self`), handlers
that are registered again on each reload, and exceptions kept with their traceback.
%% ask
It points at functools.lru_cache on a method, as you said. Fix?
%% answer
Move the cache off the instance:

```python
class Resizer:
    def __init__(self):
        self.plan = functools.lru_cache(maxsize=256)(self._plan)
```

Now the cache dies with its object. If the function does not need `self` at all, make it a module
function and keep the decorator, with a `maxsize` that you can defend.
%% ask
Memory does not go down after I fixed it, it only stopped growing.
%% answer
That is normal. Python gives memory back to its allocator, and the allocator gives whole pages back
to the system only when nothing lives on them. Flat is what you want. If the peak itself is the
trouble, handle the big jobs in a child process that ends.
%% ask
Which alert would have told us earlier?
%% answer
Alert on the trend, not on the level:

```yaml
- alert: MemoryWillRunOut
  expr: predict_linear(process_resident_memory_bytes{job="«service»"}[6h], 86400) > 0.9 * 2e9
  for: 1h
```

It fires a day ahead, during working hours if you are lucky, and not at three in the morning.
""",
)

TOPICS = (TYPESCRIPT, RUST, DOCKER, CSS, LEAK)
