#!/usr/bin/env python3
"""Write a folder of made-up Claude Code logs, or one ChatGPT export, the same for the same seed.

    python benchmarks/generate.py FOLDER --messages 1000000 --sessions 100000
    python benchmarks/generate.py FOLDER --chatgpt --messages 1000000 --sessions 100000

The text is drawn from real conversations where the folder `../shared/samples` lies beside the
checkout, and else from words of our own with natural frequencies. Lengths are long-tailed up to
100 kB; models, projects, tokens, costs and latencies are spread as real use spreads them.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import string
import sys
from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"
MEAN_LENGTH, LONGEST = 1_400, 100_000  # characters
LONGEST_CONVERSATION = 2_000  # messages, in an export of ChatGPT
MODELS = [  # name, weight, USD per million tokens in and out, tokens per second
    ("claude-opus-4-5-20251101", 20, 5, 25, 60),
    ("claude-sonnet-4-5-20250929", 35, 3, 15, 80),
    ("claude-haiku-4-5-20251001", 15, 1, 5, 150),
    ("claude-opus-4-1-20250805", 5, 15, 75, 45),
    ("claude-sonnet-4-20250514", 12, 3, 15, 75),
    ("claude-3-7-sonnet-20250219", 6, 3, 15, 75),
    ("claude-3-5-haiku-20241022", 5, 0.8, 4, 120),
    ("claude-opus-4-7", 2, 5, 25, 70),
]
START = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 365
LINES_OF_CODE = [
    "def parse(line):\n    return line.split()\n",
    "for row in rows:\n    total += row.cost\n",
    "const found = items.filter((item) => item.id === id);\n",
    "SELECT id, title FROM sessions WHERE status = 'active';\n",
    'Traceback (most recent call last):\n  File "main.py", line 12, in <module>\n',
]


def own_words(rng: random.Random) -> list[str]:
    """Return sentences of made-up words whose frequencies follow Zipf's law."""
    syllables = [c + v for c in "bcdfghklmnprstvwz" for v in ("a", "e", "i", "o", "u", "ea", "ou")]
    words = ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(30_000)]
    weights = list(accumulate(1 / (rank + 2.7) for rank in range(len(words))))
    sentences = []
    for _ in range(20_000):
        picked = rng.choices(words, cum_weights=weights, k=max(3, round(rng.gauss(16, 7))))
        sentences.append(" ".join(picked).capitalize() + rng.choice(".....?!") + " ")
        if rng.random() < 0.05:
            sentences.append("\n```\n" + rng.choice(LINES_OF_CODE) * rng.randint(1, 6) + "```\n")
    return sentences


def sample_texts() -> list[str]:
    """Return the texts of the sample conversations: every string of more than 40 characters."""
    texts: list[str] = []

    def collect(value: object) -> None:
        if isinstance(value, str):
            if len(value) > 40 and " " in value and not value.startswith("data:"):
                texts.append(value[:20_000] + "\n")
        elif isinstance(value, dict):
            for item in value.values():
                collect(item)
        elif isinstance(value, list):
            for item in value:
                collect(item)

    for pattern in (
        "claude-code/**/*.jsonl",
        "chatgpt/*.json",
        "oasst/*.jsonl",
        "lmsys-like/*.jsonl",
    ):
        for file in sorted(SAMPLES.glob(pattern)):
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    collect(json.loads(line))
                except ValueError:
                    continue
    return texts


class Texts:
    """Draws texts of a wanted length out of a body of material."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.material = sample_texts() if SAMPLES.is_dir() else own_words(rng)
        self.body = "".join(rng.sample(self.material, len(self.material)))

    def draw(self, length: int) -> str:
        start = self.rng.randrange(len(self.body))
        text = self.body[start : start + length]
        while len(text) < length:
            text += self.body[: length - len(text)]
        return text.encode("utf-8", "replace").decode()

    def length(self) -> int:
        """Return a length of a long-tailed spread whose mean is MEAN_LENGTH."""
        sigma = 1.6
        return min(
            LONGEST, round(self.rng.lognormvariate(math.log(MEAN_LENGTH) - sigma**2 / 2, sigma))
        )


def session_lengths(
    rng: random.Random, sessions: int, messages: int, most: int | None = None
) -> list[int]:
    """Return how many messages each session has: long-tailed, at least 2, in all `messages`.

    None has many more than `most`.
    """
    drawn = [rng.paretovariate(1.3) for _ in range(sessions)]
    scale = (messages - 2 * sessions) / sum(drawn)
    lengths = [2 + int(value * scale) for value in drawn]
    lengths = [min(length, most or length) for length in lengths]
    for index in range(messages - sum(lengths)):
        lengths[index % sessions] += 1
    return lengths


def hex_id(rng: random.Random, digits: int) -> str:
    """Return so many hexadecimal digits."""
    return f"{rng.getrandbits(4 * digits):0{digits}x}"


def uuid(rng: random.Random) -> str:
    """Return an id in the shape of a random UUID."""
    digits = hex_id(rng, 32)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def session_lines(rng: random.Random, texts: Texts, length: int, project: str) -> Iterator[dict]:
    """Yield the records of one session of `length` messages."""
    session, parent = uuid(rng), None
    weights = list(accumulate(model[1] for model in MODELS))
    name, _, price_in, price_out, speed = MODELS[bisect(weights, rng.random() * weights[-1])]
    # More on weekdays and in working hours, more towards the end of the year.
    day = int(DAYS * math.sqrt(rng.random()))
    if (START + timedelta(days=day)).weekday() > 4 and rng.random() < 0.7:
        day = max(0, day - 2)
    time = START + timedelta(
        days=day, hours=min(23, max(0, rng.gauss(14, 4))), seconds=rng.random() * 3600
    )
    context = 0
    for position in range(length):
        assistant = position % 2 == 1
        text = texts.draw(texts.length()) or "ok"
        tokens = max(1, len(text) // 4)
        took = (
            rng.lognormvariate(0.3, 0.5) + tokens / speed if assistant else rng.expovariate(1 / 60)
        )
        time += timedelta(seconds=took)
        record = {
            "parentUuid": parent,
            "isSidechain": False,
            "userType": "external",
            "cwd": f"/home/someone/{project}",
            "sessionId": session,
            "version": "2.1.0",
            "type": "assistant" if assistant else "user",
            "uuid": (parent := uuid(rng)),
            "timestamp": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        if assistant:
            cached = int(context * 0.9)
            usage = {
                "input_tokens": context - cached + 3,
                "output_tokens": tokens,
                "cache_read_input_tokens": cached,
                "cache_creation_input_tokens": 0,
            }
            cost = (usage["input_tokens"] + cached / 10) * price_in + tokens * price_out
            record["requestId"] = "req_" + hex_id(rng, 20)
            record["costUSD"] = round(cost / 1e6, 8)
            record["message"] = {
                "id": "msg_" + hex_id(rng, 20),
                "role": "assistant",
                "model": name,
                "content": [{"type": "text", "text": text}],
                "stop_reason": "end_turn" if rng.random() < 0.97 else "max_tokens",
                "usage": usage,
            }
        else:
            record["message"] = {"role": "user", "content": text}
        context = min(180_000, context + tokens)
        yield record


def generate(folder: Path, *, messages: int, sessions: int, seed: int) -> int:
    """Write the logs and return their size in bytes."""
    rng = random.Random(seed)
    texts = Texts(rng)
    names = ["".join(rng.choices(string.ascii_lowercase, k=rng.randint(4, 9))) for _ in range(40)]
    size = 0
    for length in session_lengths(rng, sessions, messages):
        project = names[min(len(names) - 1, int(rng.expovariate(0.15)))]
        lines = list(session_lines(rng, texts, length, project))
        home = folder / f"-home-someone-{project}" / lines[0]["sessionId"][:2]
        home.mkdir(parents=True, exist_ok=True)
        content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
        (home / f"{lines[0]['sessionId']}.jsonl").write_bytes(content)
        size += len(content)
    return size


def generate_chatgpt(folder: Path, *, messages: int, sessions: int, seed: int) -> int:
    """Write the same sessions as one `conversations.json` on one line; return its size in bytes."""
    rng = random.Random(seed)
    texts = Texts(rng)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "conversations.json").open("w", encoding="utf-8") as file:
        lengths = session_lengths(rng, sessions, messages, most=LONGEST_CONVERSATION)
        for number, length in enumerate(lengths):
            lines = list(session_lines(rng, texts, length, "chatgpt"))
            file.write(",["[not number] + json.dumps(conversation(lines), ensure_ascii=False))
        file.write("]")
    return (folder / "conversations.json").stat().st_size


def conversation(lines: list[dict]) -> dict:
    """Return the records of a session as ChatGPT exports a conversation."""
    mapping: dict[str, dict] = {"root": {"id": "root", "message": None, "parent": None}}
    for line in lines:
        said = line["message"]
        text = said["content"] if isinstance(said["content"], str) else said["content"][0]["text"]
        time = datetime.fromisoformat(line["timestamp"]).timestamp()
        mapping[line["uuid"]] = {
            "id": line["uuid"],
            "parent": line["parentUuid"] or "root",
            "children": [],
            "message": {
                "id": line["uuid"],
                "author": {"role": line["type"], "name": None, "metadata": {}},
                "create_time": time,
                "content": {"content_type": "text", "parts": [text]},
                "status": "finished_successfully",
                "weight": 1.0,
                "metadata": {"model_slug": "gpt-5"} if line["type"] == "assistant" else {},
                "recipient": "all",
            },
        }
    for name, node in mapping.items():
        if node["parent"]:
            mapping[node["parent"]].setdefault("children", []).append(name)
    last = mapping[lines[-1]["uuid"]]["message"]
    return {
        "title": f"Conversation {lines[0]['uuid'][:8]}",
        "conversation_id": lines[0]["sessionId"],
        "create_time": mapping[lines[0]["uuid"]]["message"]["create_time"],
        "update_time": last["create_time"],
        "current_node": last["id"],
        "mapping": mapping,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--chatgpt", action="store_true", help="one ChatGPT export")
    options = parser.parse_args()
    if options.folder.exists() and any(options.folder.iterdir()):
        sys.exit(f"{options.folder} is not empty.")
    if options.messages < 2 * options.sessions:
        sys.exit("A session has at least two messages.")
    write = generate_chatgpt if options.chatgpt else generate
    size = write(
        options.folder, messages=options.messages, sessions=options.sessions, seed=options.seed
    )
    print(f"{options.messages:,} messages in {options.sessions:,} sessions, {size / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
