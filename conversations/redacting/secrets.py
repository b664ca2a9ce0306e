"""Keys, tokens and passwords, found by the plugins of detect-secrets and a few more of their kind.

The plugins' expressions are asked for places, not `analyze_string` for values: of a GitHub token
that gives `ghp`. Left out are plugins that mask too much (strings of high entropy) and OpenAI's,
whose expression misses keys of today and takes quadratic time; keys of that form are below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from detect_secrets.filters.heuristic import is_prefixed_with_dollar_sign, is_templated_secret
from detect_secrets.plugins import keyword
from detect_secrets.plugins.artifactory import ArtifactoryDetector
from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.basic_auth import BasicAuthDetector
from detect_secrets.plugins.cloudant import CloudantDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.ibm_cloud_iam import IbmCloudIamDetector
from detect_secrets.plugins.ibm_cos_hmac import IbmCosHmacDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.private_key import PrivateKeyDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.softlayer import SoftlayerDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

from .found import Finder, Found

# How much of a text is searched at once, in characters: some expressions take quadratic time.
PIECE, LINE = 8_000, 600
ENCRYPTED_KEY = re.compile("BEGIN ENCRYPTED PRIVATE KEY")  # which the plugin does not know
# The rest of a private key: to its last line, or as far as there are lines of it.
KEY = re.compile(
    r"(?:(?!BEGIN |PuTTY-)[\s\S]){,20000}?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
    r"|Private-MAC: *\w+)"
    r"|-*(?:(?:\s|\\[nr])*[A-Za-z0-9+/=]{20,})+"
)
LINE_END = re.compile(r"\r?\n|(?:\\r)?\\n|$")  # also as a string of code or JSON has it
# Many plugins know the shortest form of a key, `sk_live_` and 24 letters, and leave the rest.
TAIL = re.compile(r"(?:\.?[\w-])*")


@dataclass(frozen=True, slots=True)
class Form:
    """How a kind of secret looks, and how an expression's match is to be read."""

    kind: str
    detector: type[RegexBasedDetector]
    whole: bool = False  # its group is of the prefix, the secret is all of the match
    exact: bool = False  # what goes on behind it is something else, the hash of a file perhaps
    digits: bool = False  # without a digit it is a word
    hint: str = ""  # nothing is there without it: for a slow expression

    def find(self, text: str) -> Iterator[Found]:
        if self.hint not in text:
            return
        for pattern in self.detector.denylist:
            for match in pattern.finditer(text):
                start, end = match.span(0 if self.whole else match.lastindex or 0)
                end = TAIL.match(text, end).end()
                value = text[start:end].lstrip("\"'=: \t\n").rstrip("\"' \t\n")
                if self._is_secret(value, match):
                    start = text.index(value, start)
                    yield Found(start, start + len(value), self.kind, value)

    def _is_secret(self, value: str, match: re.Match[str]) -> bool:
        if self.exact and not match[0].endswith(value):
            return False
        if self.detector is JwtTokenDetector and not JwtTokenDetector.is_formally_valid(match[0]):
            return False
        return not is_template(value) and (not self.digits or any(map(str.isdigit, value)))


def _kind(name: str, *patterns: str) -> type[RegexBasedDetector]:
    """Return a plugin of detect-secrets for a form that it does not have yet."""
    compiled = [re.compile(pattern) for pattern in patterns]
    return type(name, (RegexBasedDetector,), {"secret_type": name, "denylist": compiled})


# Prefixes as the providers document them, and GitHub's list of secrets that it scans for.
AnthropicDetector = _kind("Anthropic", r"sk-ant-[\w-]{32,}")
OpenRouterDetector = _kind("OpenRouter", r"sk-or-[\w-]{32,}")
LangfuseDetector = _kind("Langfuse", r"[sp]k-lf-[0-9a-f-]{36}")
SkDetector = _kind("OpenAI", r"(?<![A-Za-z0-9])sk-[\w-]{32,}")  # DeepSeek's and others', too
GoogleDetector = _kind("Google", r"AIza[\w-]{35}")
HuggingFaceDetector = _kind("Hugging Face", r"hf_[A-Za-z0-9]{30,}")
GroqDetector = _kind("Groq", r"gsk_[A-Za-z0-9]{40,}")
XaiDetector = _kind("xAI", r"xai-[A-Za-z0-9]{40,}")
LangSmithDetector = _kind("LangSmith", r"lsv2_[a-z]{2}_[0-9a-f]{32}_[0-9a-f]{10}")
GitHubFineGrainedDetector = _kind("GitHub", r"github_pat_\w{50,}")
SlackAppDetector = _kind("Slack", r"xapp-\d-[\w-]{20,}", r"xoxe[.-][\w.-]{20,}")
BearerDetector = _kind("Bearer", r"[Bb]earer\s+([\w.~+/-]{16,}=*)")
TokenDetector = _kind(
    "Token",
    r"""(?i)(?:token|passphrase|credentials?)["']?\s{0,4}[:=]>?\s{0,4}["']?([\w./+=~-]{20,})""",
)

FORMS = (
    Form("AWS access key", AWSKeyDetector),
    Form("Anthropic key", AnthropicDetector),
    Form("OpenRouter key", OpenRouterDetector),
    Form("Langfuse key", LangfuseDetector),
    Form("OpenAI key", SkDetector, digits=True),
    Form("Google key", GoogleDetector),
    Form("Hugging Face token", HuggingFaceDetector),
    Form("Groq key", GroqDetector),
    Form("xAI key", XaiDetector),
    Form("LangSmith key", LangSmithDetector),
    Form("GitHub token", GitHubTokenDetector, whole=True),
    Form("GitHub token", GitHubFineGrainedDetector),
    Form("GitLab token", GitLabTokenDetector, whole=True),
    Form("Slack token", SlackDetector),
    Form("Slack token", SlackAppDetector),
    Form("Stripe key", StripeDetector),
    Form("SendGrid key", SendGridDetector),
    Form("Twilio key", TwilioKeyDetector),
    Form("Mailchimp key", MailchimpDetector),
    Form("Square secret", SquareOAuthDetector),
    Form("Discord token", DiscordBotTokenDetector, digits=True),
    Form("Telegram token", TelegramBotTokenDetector, exact=True),
    Form("PyPI token", PypiTokenDetector),
    Form("npm token", NpmDetector, hint="_authToken"),
    Form("Azure storage key", AzureStorageKeyDetector),
    Form("Artifactory token", ArtifactoryDetector, digits=True),
    Form("JSON web token", JwtTokenDetector),
    Form("URL password", BasicAuthDetector),
    Form("bearer token", BearerDetector, digits=True),
)
# Known by what they are assigned to; slow, so only lines with such a word are searched.
ASSIGNED_FORMS = (
    Form("Cloudant key", CloudantDetector),
    Form("IBM Cloud key", IbmCloudIamDetector),
    Form("IBM Cloud key", IbmCosHmacDetector),
    Form("SoftLayer key", SoftlayerDetector),
    Form("token", TokenDetector, digits=True),
)

# Lines without such a word assign no secret.
HINT = re.compile("key|pass|pwd|secret|token|credential|contrase", re.IGNORECASE)
RUN = re.compile(r"[\w./+=~-]{20}")  # the shortest of what has a form
NAMED = re.compile("|".join(keyword.DENYLIST), re.IGNORECASE)
# Values of a schema: `"password": "string"`.
NO_SECRETS = {"string", "text", "boolean", "number", "none", "null", "true", "false", "required"}
VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+|https?://.*")  # the name of one, or an address
# An unquoted value is a secret only if it looks like no word, call, reference or path.
RANDOM = re.compile(r"(?=.*[A-Za-z])(?=.*\d)(?![/~.])[^\s()\[\]{}<>$|]{6,}")
# The plugin's expressions for code, and for files of settings. One takes cubic time: `secret "…";`
SLOW = keyword.FOLLOWED_BY_QUOTES_AND_SEMICOLON_REGEX
QUOTED = {
    pattern: group
    for pattern, group in keyword.QUOTES_REQUIRED_DENYLIST_REGEX_TO_GROUP.items()
    if pattern is not SLOW
}
UNQUOTED = {keyword.FOLLOWED_BY_COLON_REGEX: 4, keyword.FOLLOWED_BY_EQUAL_SIGNS_REGEX: 5}


def is_template(value: str) -> bool:
    """Say if a value stands for another: `${TOKEN}`, `<key>`, `your-api-key`, `xxxx`, `…`."""
    return (
        is_templated_secret(value)
        or is_prefixed_with_dollar_sign(value)
        or value.lower().startswith(("your-", "your_"))
        or len(set(value)) < 3
    )


def private_keys(text: str) -> Iterator[Found]:
    """Yield keys from their first line, which the plugin knows, to the last; not mere mentions."""
    for pattern in (*PrivateKeyDetector.denylist, ENCRYPTED_KEY):
        for match in pattern.finditer(text):
            if body := KEY.match(text, match.end()):
                start = match.start() - 5 * text.endswith("-----", 0, match.start())
                yield Found(start, body.end(), "private key", text[start : body.end()])


def tokens(text: str) -> Iterator[Found]:
    for offset, piece in _pieces(text):
        for form in FORMS:
            yield from _moved(form.find(piece), offset)


def assigned(text: str) -> Iterator[Found]:
    """Yield what is assigned to a name that says secret, `password: "…"`, a line at a time."""
    if not HINT.search(text):
        return
    for offset, line in _lines(text):
        if HINT.search(line):
            if RUN.search(line):
                for form in ASSIGNED_FORMS:
                    yield from _moved(form.find(line), offset)
            if NAMED.search(line):
                yield from _moved(_named(line), offset)


def _named(line: str) -> Iterator[Found]:
    for pattern, group in QUOTED.items():
        for match in pattern.finditer(line):
            if _is_quoted_secret(match[group]):
                yield Found(*match.span(group), "secret", match[group])
    for pattern, group in UNQUOTED.items():
        for match in pattern.finditer(line):
            start = match.start(group)
            value = match[group].partition(" ")[0].rstrip(".,;:")
            is_same = line[:start].rstrip(" =:'\"").endswith(value)  # password1=password1
            if RANDOM.fullmatch(value) and not is_same and not is_template(value):
                yield Found(start, start + len(value), "secret", value)


def _is_quoted_secret(value: str) -> bool:
    """Say if a value is more than a placeholder; one with spaces is a sentence."""
    return (
        len(value) > 3
        and not any(map(str.isspace, value))
        and not is_template(value)
        and value.lower() not in NO_SECRETS
        and not VARIABLE.fullmatch(value)
    )


def _moved(found: Iterator[Found], offset: int) -> Iterator[Found]:
    for part in found:
        yield part._replace(start=part.start + offset, end=part.end + offset)


def _pieces(text: str, most: int = PIECE) -> Iterator[tuple[int, str]]:
    """Yield whole lines together, with their place; the pieces of a longer line overlap by half."""
    start = 0
    while len(text) - start > most:
        end = text.rfind("\n", start, start + most) + 1
        yield start, text[start : end or start + most]
        start = end or start + most // 2
    yield start, text[start:]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for end in LINE_END.finditer(text):
        for offset, piece in _pieces(text[start : end.start()], LINE):
            yield start + offset, piece
        start = end.end()


FINDERS: tuple[Finder, ...] = (private_keys, tokens, assigned)
