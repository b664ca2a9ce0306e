"""The models, projects and set phrases of the demo."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoModel:
    """A model as the demo uses it. Prices are USD per 1,000 tokens."""

    provider: str
    name: str
    price_in: float
    price_out: float
    context_window: int
    speed: int  # tokens a second
    first_token: int  # ms until the answer begins
    popularity: tuple[float, float]  # at the beginning of the year, and at its end
    liked: float  # how far ratings lean to the good side, from 0 to 1
    reasons: bool = False
    calls_tools: bool = True

    @property
    def key_name(self) -> str:
        """The environment variable that would hold the key; a local model needs none."""
        return "" if self.provider == "ollama" else f"{self.provider.upper()}_API_KEY"


MODELS = (
    DemoModel("anthropic", "claude-sonnet-4-5", 0.003, 0.015, 200_000, 72, 900, (3, 9), 0.85),
    DemoModel("openai", "gpt-4o", 0.0025, 0.01, 128_000, 95, 550, (9, 2), 0.62),
    DemoModel("google", "gemini-2.5-pro", 0.00125, 0.01, 1_048_576, 85, 2400, (2, 5), 0.7, True),
    DemoModel("openai", "gpt-5", 0.00125, 0.01, 400_000, 62, 3200, (1, 7), 0.78, True),
    DemoModel("openai", "gpt-4o-mini", 0.00015, 0.0006, 128_000, 120, 420, (5, 2), 0.45),
    DemoModel("anthropic", "claude-haiku-4-5", 0.001, 0.005, 200_000, 150, 480, (1, 5), 0.68),
    DemoModel("google", "gemini-2.5-flash", 0.0003, 0.0025, 1_048_576, 190, 600, (2, 4), 0.55),
    DemoModel("mistral", "mistral-large-latest", 0.002, 0.006, 128_000, 60, 700, (2, 1), 0.48),
    DemoModel("deepseek", "deepseek-chat", 0.00027, 0.0011, 128_000, 42, 1300, (2, 2), 0.55),
    DemoModel("ollama", "llama3.3:70b", 0, 0, 131_072, 14, 1800, (2, 2), 0.35, False, False),
    DemoModel("openai", "o4-mini", 0.0011, 0.0044, 200_000, 110, 4200, (3, 1), 0.6, True),
    DemoModel("anthropic", "claude-opus-4-1", 0.015, 0.075, 200_000, 38, 1500, (2, 1), 0.88),
)

PROJECTS = {
    "Checkout service": "Carts, payments and receipts of the shop. Python, PostgreSQL, Redis.",
    "Mobile app": "The app for customers, React Native with a thin TypeScript API client.",
    "Data warehouse": "Nightly loads, cleaning and the monthly figures for finance.",
    "Search relevance": "Better results for the shop's search box: analysers, ranking, evaluation.",
    "Infrastructure": "Containers, pipelines, monitoring and everything that pages someone.",
    "Docs and website": "Handbook, API reference, release notes, pages in four languages.",
    "Internal tools": "Small programs that make the week shorter; some are in Rust.",
    "Personal": "Reading, travelling, letters and other things that are not work.",
}

SYSTEM_PROMPTS = {
    "coder": "You are a senior engineer pairing with me. Prefer small diffs, say what you are"
    " unsure about, and show code before prose.",
    "terse": "Answer in as few words as the question allows. No greetings, no summary.",
    "reviewer": "You review pull requests. Sort findings into must fix, should fix and nice to"
    " have. Quote the line you mean.",
    "analyst": "You help a data team. State your assumptions, and check row counts before and"
    " after every step that drops data.",
    "writer": "You edit texts for a mixed audience. Plain words, short sentences, and no"
    " exclamation marks.",
    "translator": "You translate product texts. Keep placeholders and line breaks as they are,"
    " and name every choice that a native speaker might argue about.",
    "teacher": "Explain step by step to someone who programs every day but is new to the field."
    " Finish with one question that checks understanding.",
}

TAGS = (
    "bug", "debugging", "performance", "review", "testing", "docs", "refactoring", "devops",
    "frontend", "data", "learning", "writing", "translation", "idea", "follow-up",
)  # fmt: skip

# How a call to a model goes wrong: finish reason, message, and whether the conversation ends there.
FAILURES = {
    "rate limit": (
        "error",
        "429 Too Many Requests: rate limit reached, try again in «seconds» seconds",
        0.1,
    ),
    "timeout": ("timeout", "Request timed out after «timeout» s without a complete answer", 0.2),
    "context too long": (
        "length",
        "400 Bad Request: the conversation has «tokens» tokens, more than the model's limit",
        0.6,
    ),
    "content filter": (
        "content_filter",
        "The answer was withheld by the provider's content filter",
        0.15,
    ),
    "overloaded": ("error", "529 Overloaded: the provider cannot take more requests now", 0.15),
}

NOTES = (
    "Worked on the first try, keep this one as an example for the team.",
    "Half right: the diagnosis was good, the fix needed a second pair of eyes.",
    "Ask the same of a smaller model next time and compare the price.",
    "Copied into the handbook, with two sentences changed.",
    "The table near the end is what I keep coming back for.",
    "Wrong about the version we run; fine otherwise.",
    "Good tone. Sent almost unchanged.",
    "Too long. A list of three points would have done.",
    "Open question: does this still hold with two writers?",
    "Shown in the Thursday meeting.",
)

CORRECTIONS = (
    "The flag was renamed in the last release; the answer still uses the old name.",
    "The example leaves out the case of an empty list, which is the one that fails for us.",
    "The percentage is of paying customers, not of all accounts.",
    "This needs the lock before the first read, not after it.",
)

DESCRIPTIONS = (
    "Started from a customer's report.",
    "Preparation for the planning meeting.",
    "Pairing on a ticket that had been open for too long.",
    "A question that came up in review.",
    "Trying out a model on everyday work.",
)
