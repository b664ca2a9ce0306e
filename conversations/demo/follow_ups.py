"""What people say at the end of any conversation, whatever it was about."""

from __future__ import annotations

from .topic import read

TEXT = r"""
%% ask
Shorter, please. Three points at most.
%% answer
1. Find out what really happens before you change anything.
2. Make the smallest change that can be taken back.
3. Write down why, where the next person will look.
%% ask
Thanks, that worked. Can you give me a commit message for it?
%% answer
```text
Keep what was there when two writers meet

The second one used to overwrite the first without a word. It now waits, and
a test holds both of them at the same point to prove it.
```

First line in the imperative and under 72 characters, the reason below it.
%% ask
Are you sure? A colleague says the opposite.
%% answer
Not entirely. I am sure about the mechanism, less about your setup, since I have seen only what you
pasted here. A quick way to decide is to try it on a copy:

- if the figure changes by more than a tenth, I was right about the cause
- if it does not, your colleague probably sees something that I do not: ask what

I would not argue about it for longer than that experiment takes.
%% ask
What did we leave out?
%% answer
Three things that I would put on a list, not into this change:

- [ ] an alert that fires *before* users notice
- [ ] a sentence in the handbook
- [ ] the same pattern in two other places, which a search will find
%% ask
Could you explain the last part again, as if I were new here?
%% answer
Gladly. Imagine a shared notebook in the kitchen. Anyone may read it. To write, you take the pen,
and there is one pen. Most trouble comes from people who copy a page, write on the copy and put it
back an hour later. The whole change says: take the pen *before* you read.
%% ask
Put it into a table so that I can paste it into the ticket.
%% answer
| question | answer |
|---|---|
| What was wrong? | two steps that should be one |
| Who was affected? | few, but always the busiest |
| What changes? | one function and one test |
| What could break? | callers that rely on the old order |
| How do we go back? | revert the commit, nothing is migrated |
%% ask
How long would you plan for this?
%% answer
Half a day for the change, the same again for tests and review, and a day in which it runs for a
small share of users. If someone asks for one number, say two days, and that the second is mostly
waiting.
%% ask
Does this change anything for our users?
%% answer
Nothing they see, if it goes well. Support should know two things: the date, and which message would
appear if it does not go well. I would write both into the release notes under "inside".
%% ask
Good. What would you do differently if we started from nothing?
%% answer
I would keep one place that decides and let everything else ask it. Much of what we discussed today
exists because the same fact is stored twice. That said, rewriting to get there is rarely worth it;
move one fact at a time, each time you pass by anyway.
%% ask
Which of your suggestions has the best ratio of effort to effect?
%% answer
The first, by far. It is one line, it can be taken back at once, and it removes the most frequent
case. I would ship it today, measure for a week, and decide about the others with figures in hand.
"""

FOLLOW_UPS = read(TEXT)
