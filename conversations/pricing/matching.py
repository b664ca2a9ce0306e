"""Which prices a model's name may stand for: candidates in order, each with its rule.

Names come as people and programs write them: `models/gemini-2.5-pro`, `openai/gpt-4o`,
`us.anthropic.claude-sonnet-4-20250514-v1:0`, `claude-sonnet-4-5@20250929`. Nothing here knows which
names have prices.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

NO_NAMES = frozenset({"", "auto", "unknown", "none", "null", "default", "model", "n/a"})
# Programs that run models on the user's own machine.
LOCAL_PROVIDERS = frozenset(
    {
        "exllama", "gpt4all", "jan", "koboldcpp", "llama-cpp", "llama-cpp-python", "llama.cpp",
        "llamacpp", "llamafile", "lm-studio", "lmstudio", "local", "localai", "localhost", "mlx",
        "mlx-lm", "ollama", "oobabooga", "self-hosted", "sglang", "tabbyapi", "tgi",
        "text-generation-webui", "vllm",
    }
)  # fmt: skip
# What writers call providers, and what the price list calls them, where it does not know both.
ALIASES = {
    "az.ai.openai": "azure",
    "azure-openai": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azureopenai": "azure",
    "az.ai.inference": "azure",
    "fireworks-ai": "fireworks",
    "meta-llama": "meta",
    "open-router": "openrouter",
    "together-ai": "together",
    "togetherai": "together",
    "x.ai": "x-ai",
    "z-ai": "zai",
    "zhipu": "zhipuai",
}
# Who serves models of many makers at prices of its own: another's price would be a guess.
HOSTS = (
    "anyscale", "aws", "baseten", "bedrock", "cerebras", "cloudflare", "copilot", "cursor",
    "databricks", "deepinfra", "fireworks", "groq", "huggingface", "hyperbolic", "modal", "nebius",
    "novita", "nscale", "nvidia", "ovh", "quicksilver", "replicate", "sambanova", "together",
)  # fmt: skip
PREFIXES = re.compile(
    r"^(?:models/|publishers/[^/]+/models/|projects/.+/models/|accounts/[^/]+/models/"
    r"|arn:aws:bedrock:.*/)"
)
BEDROCK = re.compile(
    r"^(?:bedrock/)?(?:(?:us-gov|us|eu|apac|au|ca|jp|global)\.)?"
    r"(?P<vendor>ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshotai?|nvidia"
    r"|openai|qwen|writer|zai)\.(?P<name>.+?)(?P<version>-v\d+(?::\d+[a-z0-9:]*)?)?$"
)
DATED = re.compile(
    r"(?:[-@](?:20\d{2}-?[01]\d-?[0-3]\d)|[-@]latest|-preview(?:-[01]\d-[0-3]\d|-[01]\d-20\d{2})?)$"
)
VARIANT = re.compile(r":(?:beta|thinking|extended|nitro|floor|online|exacto)$")
FREE = ":free"
# `llama3.1:latest`, `deepseek-r1:8b`, `qwen2.5-coder:7b-instruct-q4_K_M`: weights of that size, on
# whatever machine. The same name without its tag would be somebody's service.
TAG = re.compile(r":(?:latest|[\dx.e]+[bm](?:[-_].*)?|.*(?:q\d|fp16|bf16).*)$")
CLOUD_TAG = "-cloud"  # of Ollama: not on the user's machine


class Candidate(NamedTuple):
    """A name to look up at a provider (any, if empty), and the rule that it comes from."""

    provider: str
    model: str
    rule: str


def is_no_name(model: str) -> bool:
    """Return whether this stands for no model at all: `auto`, `<synthetic>`, `[trimmed…]`."""
    return model.strip().lower() in NO_NAMES or model.lstrip()[:1] in ("<", "[")


def is_local(provider: str, model: str) -> bool:
    """Return whether the model ran on the user's own machine, where tokens cost nothing."""
    return canonical(provider) in LOCAL_PROVIDERS and not model.endswith(CLOUD_TAG)


def is_free(model: str) -> bool:
    """Return whether the name is that of a variant which its service gives away."""
    return model.strip().lower().endswith(FREE)


def canonical(provider: str) -> str:
    """Return a provider's name as price lists write it."""
    name = provider.strip().lower().replace("_", "-").replace(" ", "-")
    return ALIASES.get(name, name)


def normalised(model: str) -> str:
    """Return a name without what says where it is served, in which variant, and of which day."""
    name = PREFIXES.sub("", model.strip().lower())
    if found := BEDROCK.match(name):
        name = found["name"]
    name = VARIANT.sub("", name.rpartition("/")[2].removesuffix(FREE))
    return DATED.sub("", name)


def candidates(provider: str, model: str) -> Iterator[Candidate]:
    """Yield what the name may stand for, the likeliest first; nothing for what is no name."""
    written = model.strip()
    if is_no_name(written) or TAG.search(written.lower()):
        return
    known = canonical(provider)
    found = list(_as_written(known, written))
    yield from found
    for candidate in found:
        shorter = DATED.sub("", candidate.model)
        if shorter != candidate.model:
            yield Candidate(candidate.provider, shorter, f"{candidate.rule}, date left out")


def _as_written(known: str, written: str) -> Iterator[Candidate]:
    name = PREFIXES.sub("", written.lower())
    is_host = any(host in known for host in HOSTS)
    yield Candidate(known, written, "as written")
    if name != written:
        yield Candidate(known, name, "prefix left out")
    if bedrock := BEDROCK.match(name):
        yield Candidate("aws", name.removeprefix("bedrock/"), "Bedrock id")
        yield Candidate("aws", f"{bedrock['vendor']}.{bedrock['name']}", "Bedrock id")
        yield Candidate(canonical(bedrock["vendor"]), bedrock["name"], "Bedrock id of its maker")
    if "/" in name:
        maker, _, tail = name.rpartition("/")
        maker = maker.rpartition("/")[2]
        plain = VARIANT.sub("", tail)
        if known == canonical(maker):
            yield Candidate(known, plain, "vendor before the slash")
        if not is_host:
            yield Candidate("openrouter", f"{maker}/{tail}", "name of OpenRouter")
            yield Candidate("openrouter", f"{maker}/{plain}", "name of OpenRouter")
            yield Candidate(canonical(maker), plain, "vendor before the slash")
    elif known and not is_host:
        yield Candidate("", name, "by its name alone")
