"""Words: letters, papers, plans, notes."""

from __future__ import annotations

from .topic import Topic

EMAIL = Topic(
    titles=(
        "E-mail: «matter»",
        "Draft a friendly e-mail about «matter»",
        "How do I tell them about «matter»",
    ),
    tags=("writing",),
    projects=("Personal", "Docs and website"),
    prompts=("writer",),
    slots={
        "matter": (
            "a delayed delivery",
            "moving the deadline",
            "an invoice that is late",
            "saying no to a feature",
        ),
        "name": ("Ms Okafor", "Mr Lindqvist", "Dana", "the whole team"),
        "weeks": ("one week", "two weeks", "ten days"),
    },
    text=r"""
%% ask
I have to write to «name» about «matter». We need «weeks» more, and it is partly our own fault.
Friendly, honest, not grovelling. Under 120 words.
%% answer
> **Subject:** «matter», and what happens next
>
> Hello,
>
> I would rather tell you early: we need «weeks» more than planned. Two things took longer than we
> thought, and one of them we should have seen coming.
>
> What you can count on:
>
> - a version you can look at this Friday
> - the finished work «weeks» after the old date
> - one short message each Monday, also when all is well
>
> If the new date causes trouble on your side, please call me. We can bring the most urgent part
> forward.
>
> Kind regards

The apology is the second sentence; once is enough.
%% ask
Make it more formal, «name» is a customer of ten years.
%% answer
> Dear Sir or Madam,
>
> We have to correct the date we gave you. The work will be complete «weeks» later than agreed. The
> reasons lie partly with us, and we apologise for the inconvenience.
>
> You will receive a version for review this Friday. Should the new date affect your own plans, we
> are glad to deliver the parts you need most in advance.
>
> Yours faithfully

I left out the bullet points: in a formal letter they read like a brochure.
%% ask
A subject line that gets opened but does not sound like advertising?
%% answer
1. New date for your order
2. «matter»: what we suggest
3. Two dates and a question

The first is the most honest, and those who wait for it will open it. Avoid "update" and
"important", which everything is.
%% ask
They answered: "We are disappointed and expect a discount." What now?
%% answer
Thank, name the number, give a day:

> Thank you for being plain with us. You are right to expect something for the delay: we will take
> five percent off this invoice. The date I gave you stands. I will report on Monday, as promised.

Offer it once, and do not explain the reasons a second time. Ask inside first who may approve five
percent.
""",
)

PAPER = Topic(
    titles=(
        "Explain «paper» to me",
        "What is «paper» good for",
        "Reading group: «paper»",
    ),
    tags=("learning", "idea"),
    projects=("Search relevance", "Personal"),
    prompts=("teacher",),
    slots={
        "paper": ("the attention paper", "the Transformer architecture", "self-attention"),
        "for": ("a backend developer", "somebody who knows linear algebra", "my colleagues"),
    },
    text=r"""
%% ask
Explain «paper» for «for», please. I have read it twice and lost the thread at "queries, keys and
values".
%% think
They program but are not from the field. The lookup analogy works best: a soft dictionary. Then the
formula, then why the scaling, and then what multi-head adds.
%% answer
Think of a dictionary that answers *a little of everything*.

- A normal lookup compares your **key** with all keys and returns the one value that fits.
- Attention compares your **query** with all keys, turns the similarities into shares that add up to
  one, and returns the **mixture** of all values in those shares.

$$ \mathrm{softmax}\left(\frac{QK^T}{\sqrt{d}}\right) V $$

In code it is four lines:

```python
def attention(q, k, v):
    scores = q @ k.T / math.sqrt(q.shape[-1])
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True) @ v
```

Each word makes its own query, key and value by a learned matrix. That is the whole trick.

*To check: what does the result look like if all keys are equal?*
%% ask
The plain average of the values? And why the division by the root of d?
%% answer
Yes, exactly the average.

The division is about size. A dot product of vectors with *d* independent entries grows like the
root of *d*. With large scores one share is nearly 1 and the others nearly 0, so the gradient
vanishes and nothing is learned. Dividing keeps the shares soft at the beginning of training.
%% ask
Why several heads?
%% answer
One mixture can only look in one direction. With eight heads a word can look at the verb, at the
word it refers to and at its neighbour in the same step:

| head | might look at |
|---|---|
| 1 | the word before |
| 2 | what "it" stands for |
| 3 | the end of the sentence |

They are cheap: each works on an eighth of the width, and the results are laid side by side.
%% ask
How does it know the order of the words?
%% answer
By itself it does not: shuffle the input and the output is shuffled in the same way. So the position
is added to each word, as a pattern of waves in the original and mostly as a rotation of queries and
keys today. With a rotation the score depends on the *distance* of two words, which is usually what
matters.
%% ask
What is the catch?
%% answer
Every word looks at every other: twice the text, four times the work and memory for the scores.
Nearly everything since then attacks that, by looking only nearby, by keeping keys and values of old
words (the KV cache), or by computing in blocks that fit into fast memory.
""",
)

TRIP = Topic(
    titles=("«days» days in «city»", "Trip to «city» by train", "«city» with children in «month»"),
    tags=("idea",),
    projects=("Personal",),
    prompts=(),
    slots={
        "city": ("Lisbon", "Kyoto", "Ljubljana", "Edinburgh", "Porto"),
        "days": ("Three", "Four", "Five"),
        "month": ("March", "May", "October"),
    },
    text=r"""
%% ask
We are in «city» in «month», two adults and a child of seven. We like walking, food and one museum a
day at most. Could you sketch the days?
%% answer
A sketch with one fixed point a day and room around it:

| day | morning | afternoon | evening |
|---|---|---|---|
| 1 | arrive, walk through the old town | a viewpoint, early dinner | sleep |
| 2 | market, breakfast there | one museum, then a playground | something with music |
| 3 | by train or tram to the water | picnic | what you liked best, again |

In «month» evenings are cool, so take a layer for everyone. Book the museum for the first hour of
the day: it is empty, and children still have patience. I do not know current opening hours, so
check them before you promise anything.
%% ask
It rains on day two. Plan B?
%% answer
Turn the day around: long breakfast, an aquarium or a museum of science, soup, then the covered
market. Children remember the tram ride in the rain better than a church. Keep the viewpoint for the
first dry hour.
%% ask
What belongs in one bag for all three of us?
%% answer
- two sets of clothes each, one worn, and wash on the second evening
- rain jackets instead of umbrellas
- a small pharmacy: plasters, fever medicine, tick tweezers
- cards, one pencil case, one book per person
- an empty water bottle each and a cloth bag for shopping

The second pair of shoes is what most people would leave at home the next time.
%% ask
Roughly what will it cost?
%% answer
Without the journey, for three people and a day, in the middle range:

| | from | to |
|---|---|---|
| room | 95 | 160 |
| food | 60 | 110 |
| tickets, tram | 20 | 45 |
| **sum** | **175** | **315** |

In euros, and my figures may be a year or two old. The room decides nearly all of it; two stops
outside the centre often saves a third.
""",
)

RELEASE = Topic(
    titles=(
        "Release notes for «version»",
        "Changelog «version» in plain words",
        "Announce «version» to customers",
    ),
    tags=("docs", "writing"),
    projects=("Docs and website", "Mobile app"),
    prompts=("writer",),
    slots={"version": ("2.4", "3.0", "2.5.1", "3.1")},
    text=r"""
%% ask
Turn these commits into release notes for «version», for customers and not for us:

- fix NPE in CartMerger when guest cart empty
- bump minSdk 26
- add retry w/ backoff to sync
- perf: n+1 in order history
%% answer
## «version»

**New**

- The app tries again by itself when the connection drops. You no longer have to pull down to
  refresh.

**Better**

- Your order history opens noticeably faster, above all with many orders.

**Fixed**

- Signing in with an empty cart no longer closes the app.

**Please note**: this version needs Android 8 or newer.

The last one is the line that people will write to you about, so it should not be hidden in a list.
%% ask
Marketing wants it more exciting.
%% answer
Put the excitement into the first sentence and leave the list alone:

> Lost connection in the tunnel? «version» remembers what you did and sends it when you are back.

Everything after that may stay sober. A reader who finds "blazingly fast" believes the rest a little
less.
%% ask
And for the developers, in the changelog?
%% answer
```markdown
## «version»

### Added
- Sync retries up to five times with exponential backoff and jitter.

### Changed
- `minSdk` is 26.
- Order history loads lines in one query instead of one per order.

### Fixed
- `CartMerger` accepts an empty guest cart.
```

Link the ticket in each line. Someone will come here from a search in two years.
""",
)

MEETING = Topic(
    titles=(
        "Summary of the «meeting»",
        "Notes of the «meeting» into decisions",
        "What did we decide in the «meeting»",
    ),
    tags=("writing", "follow-up"),
    projects=("Docs and website", "Infrastructure", "Internal tools"),
    prompts=("writer", "terse"),
    slots={
        "meeting": ("post-mortem", "planning meeting", "architecture round"),
        "minutes": ("41", "67", "18"),
    },
    text=r"""
%% ask
My notes of the «meeting», please make something of them that people who were absent understand:

> pool exhausted 14:02, paged 14:09, nobody knew dashboard, restart helped, «minutes» min, limit
> was 20 since 2019, Ana looks at pooler, we want alert earlier, status page was empty all the time
%% answer
**What happened.** At 14:02 the database had no free connections left. The shop was down for
«minutes» minutes. A restart ended it.

**Why.** The limit of 20 connections dates from 2019. Traffic has grown since; the limit has not.

**What made it longer**

- seven minutes until someone was called
- the dashboard was not known to those on duty
- the status page said nothing

**What we do**

| what | who | until |
|---|---|---|
| try a connection pooler | Ana | *open* |
| alert at 80 % of the limit | *open* | *open* |
| status page: who writes, and when | *open* | *open* |

I left names and dates open where your notes have none, rather than guess.
%% ask
Is this blameless enough?
%% answer
Yes. One phrase to change: "was not known to those on duty" can be read as their fault. Better:
*"the dashboard was not linked from the alert"*. That names the thing that can be repaired.
%% ask
Three sentences for management, please.
%% answer
The shop was unreachable for «minutes» minutes because a limit set in 2019 no longer fits our
traffic. We restored it by a restart and will raise the limit, with a warning well before it is
reached. Two of the three follow-up tasks still need an owner this week.
""",
)

TOPICS = (EMAIL, PAPER, TRIP, RELEASE, MEETING)
