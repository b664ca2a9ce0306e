"""Masked exports: no secret and no personal data in any format, and all else as it was."""

from __future__ import annotations

import io
import json
import sys

import pytest

from conversations.errors import SessionsError
from conversations.exporters import FORMATS, Chat, chats
from conversations.models import Annotation, Session, SessionSnapshot
from conversations.redacting import Redactor, redacted
from conversations.tests.factories import add_message, make_model, make_project, make_session

JWT = ".".join(
    ["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", "dBjftJeZ4CVPmB92K27uhbUJU1p1r"]
)
RSA = " RSA PRIVATE KEY-----"  # in parts, as all here: nobody's scanner is to find this file
KEY = f"-----BEGIN{RSA}\nMIIEowIBAAKCAQEAtq\nKf81vYBvaTzAh0\n-----END{RSA}"
# What is masked, in what it stands, and as what.
VALUES = {
    "AKIA" + "IOSFODNN7EXAMPLE": ("{}", "AWS access key"),
    "wJalrXUtnFEMI7MDENG" + "bPxRfiCYzEXAMPLEKEYab": ("AWS_SECRET_ACCESS_KEY={}", "secret"),
    "sk-ant-api03-" + "a1B2-" * 9: ("{}", "Anthropic key"),
    "sk-proj-" + "a1B2_" * 9: ("{}", "OpenAI key"),
    "AIza" + "a1B2c" * 7: ("{}", "Google key"),
    "hf_" + "a1B2" * 9: ("{}", "Hugging Face token"),
    "gsk_" + "a1B2" * 13: ("{}", "Groq key"),
    "ghp_" + "a1B2" * 9: ("{}", "GitHub token"),
    "github_pat_" + "a1B2" * 20: ("{}", "GitHub token"),
    "glpat-" + "a1B2" * 5: ("{}", "GitLab token"),
    "xoxb-" + "123456789012-" * 2 + "abcdefABCDEF": ("{}", "Slack token"),
    "sk_live_" + "a1B2" * 24: ("{}", "Stripe key"),
    "SG." + "a1" * 11 + "." + "b2" * 21 + "c": ("{}", "SendGrid key"),
    "123456789:" + "AA" + "a1B" * 11: ("{}", "Telegram token"),
    JWT: ("Its parts: {}", "JSON web token"),
    KEY: ("{}", "private key"),
    "abcdef0123456789" + "abcdef": ("Authorization: Bearer {}", "bearer token"),
    "xai-" + "a1B2" * 20: ("{}", "xAI key"),
    "sk-or-v1-" + "a1b2" * 16: ("{}", "OpenRouter key"),
    "sk-lf-" + "01234567-89ab-cdef-0123-456789abcdef": ("{}", "Langfuse key"),
    "lsv2_pt_" + "a1b2" * 8 + "_0123456789": ("{}", "LangSmith key"),
    "SK" + "a1b2" * 8: ("{}", "Twilio key"),
    "a1b2" * 8 + "-us12": ("{}", "Mailchimp key"),
    "sq0csp-" + "a1B2c3D" * 6 + "e": ("{}", "Square secret"),
    "M" + "a1B2" * 6 + ".a1B2c3." + "d4E" * 9: ("{}", "Discord token"),
    "pypi-" + "AgEIcHlwaS5vcmc" + "a1B2" * 20: ("{}", "PyPI token"),
    "npm_" + "a1B2" * 9: ("//registry.npmjs.org/:_authToken={}", "npm token"),
    "AccountKey=" + "a1B2" * 21 + "ab==": ("{}", "Azure storage key"),
    "AKC" + "a1B2" * 5: ('"{}"', "Artifactory token"),
    "a1b2c3d4" * 8: ("cloudant_password = {}", "Cloudant key"),
    "a1B2c3D4e5F" * 4: ("ibm_cloud_api_key = {}", "IBM Cloud key"),
    "b2c3d4e5" * 8: ("softlayer_api_key = {}", "SoftLayer key"),
    "s3kr3tInUrl": ("postgres://ada:{}@db.example.com:5432/app", "URL password"),
    "hunter2hunter": ("login(password='{}')", "secret"),
    "Summer2024!": ("DB_PASSWORD={}", "secret"),
    "ghijkl0123456789" + "ghijkl": ('"access_token": "{}"', "token"),
    "ada.lovelace@example.org": ("Write to {}.", "e-mail address"),
    "+44 20 7946 0958": ("Call {}!", "phone number"),
    "(415) 555-2671": ("2025-01-08 {}", "phone number"),
    "4111 1111 1111 1111": ("paid with {}", "credit card number"),
    "DE89 3704 0044 0532 0130 00": ("IBAN {} AT THE BANK", "IBAN"),
    "93.184.216.34": ("from {}", "IP address"),
    "2606:2800:220:1:248:1893:25c8:1946": ("from {}", "IP address"),
}
ORDINARY = """\
# Release 5.2.19 of 2025-01-08 20:30:45, commit 3986222f1d9c8f08c1a144b21486eb0de0a9c7a25c1
The session 7d9f2c1e-8a4b-4c3d-9e2f-1a2b3c4d5e6f took 1736368245123 ms; see 10.0.0.1, 127.0.0.1
and 192.168.1.20:8000, version 1.2.3.4, 3.14159265358979, ISBN 978-3-16-148410-0, 1,234,567.89.
SHA-256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855, tag v2.0.0-rc.1
$ pip install orjson==3.13.0 && git clone git@github.com:django/django.git && npm i left-pad@1.3.0
    password = forms.CharField(widget=forms.PasswordInput)  # the password field
    api_key = os.environ["OPENAI_API_KEY"]; token = request.headers["Authorization"]
    {"password": {"type": "string"}, "secret": "string", "max_tokens": 4096, "token": "Hello"}
    client = Anthropic(api_key="your-api-key", password="${PASSWORD}", secret="<secret>")
    password1=password1, key=lambda row: row["key"], sort_key = "started_at"
A line that says -----BEGIN PRIVATE KEY----- begins a key. Choose a password: eight letters.
| 12 | 345 | 6789 |   0 1 2 3 4 5 6 7 8 9   4111111111111112   icon@2x.png  toolu_01A09q90qw90
@@ -123,45 +678,90 @@ std::dead::beef 00:1b:63:84:45:e6 12:30:45 call_abc123def456 0xdeadbeef 42:13
Our number is 10 000 000, the year 1990-2024, the port 5432 5433, 16 bytes 0000 0001 0010 0011."""


def everything() -> str:
    return "\n".join(text.format(value) for value, (text, _) in VALUES.items())


def rich_session() -> Session:
    """Store a session with every value in every place that holds text."""
    text = everything()
    project = make_project("Of ada.lovelace@example.org")
    project.description = text
    project.save()
    session = make_session(
        "Mail ada.lovelace@example.org", text, project=project, model=make_model(), tags=[text],
        description=text, system_prompt=text, metadata={"extra": [{"said": text}]},
    )  # fmt: skip
    called = {"name": "login", "arguments": {"password": "hunter2hunter", "text": [text]}}
    message = add_message(
        session, 2, text, metadata={"thinking": text, "n": 1}, error_message=text,
        tool_calls=[{"id": "c1", "type": "function", "function": called}],
        function_call={"name": "login", "arguments": json.dumps({"text": text})},
    )  # fmt: skip
    add_message(session, 3, text, role="tool", metadata={"tool_call_ids": ["c1"]})
    for kind, id in (("session", session.id), ("message", message.id)):
        Annotation.objects.create(
            annotation_uuid=f"note-{kind}", entity_type=kind, entity_id=id, metadata={"a": text},
            annotation_type="note", content=text, annotator="ada.lovelace@example.org",
        )  # fmt: skip
    SessionSnapshot.objects.create(
        session=session, sequence_number=1, description=text, session_state={"said": text}
    )
    return session


def written(name: str, redactor: Redactor) -> str:
    """Return what an export of all sessions says."""
    options = {"mask": redactor.mask, "with_catalog": True} if FORMATS[name].is_lossless else {}
    found = redacted(chats(Session.objects.all()), redactor)
    pieces = FORMATS[name].write(found, **options)
    content = b"".join(p if isinstance(p, bytes) else p.encode() for p in pieces)
    if name == "parquet":
        from pyarrow import parquet

        return str(parquet.read_table(io.BytesIO(content)).to_pylist())
    return content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("name", FORMATS)
def test_no_export_says_a_secret_or_personal_data(name):
    if name == "parquet":
        pytest.importorskip("pyarrow")
    session = rich_session()
    redactor = Redactor()
    text = written(name, redactor)
    for value in VALUES:
        for part in value.splitlines():
            assert "PRIVATE" in part or part not in text
    assert "e-mail address 1]" in text
    assert "AWS access key 1]" in text
    if name in ("json", "jsonl"):
        assert session.session_uuid in text
        assert "claude-sonnet-4-5" in text


@pytest.mark.parametrize("value", VALUES)
def test_a_value_becomes_its_kind_and_a_number(value):
    text, kind = VALUES[value]
    redactor = Redactor()
    assert redactor.text(text.format(value)) == text.format(f"[{kind} 1]")
    assert redactor.summary() == f"Masked: 1 {kind}"


def test_ordinary_text_and_code_stay_as_they_are():
    redactor = Redactor()
    assert redactor.text(ORDINARY).splitlines() == ORDINARY.splitlines()
    assert redactor.summary() == "Masked: nothing"


def test_the_same_value_has_the_same_number():
    redactor = Redactor()
    text = redactor.text("a@example.org, b@example.org, A@Example.org, +44 20 7946 0958")
    assert text == ("[e-mail address 1], [e-mail address 2], [e-mail address 1], [phone number 1]")
    assert redactor.text("b@example.org, +442079460958") == "[e-mail address 2], [phone number 1]"
    assert redactor.summary() == ("Masked: 2 e-mail addresses (4 times), 1 phone number (2 times)")


def test_a_value_is_a_secret_by_its_key_and_keys_stay():
    calls = [{"id": "c1", "arguments": {"password": "hunter2", "n": [1, None, True, 2.5]}}]
    masked = [{"id": "c1", "arguments": {"password": "[secret 1]", "n": [1, None, True, 2.5]}}]
    assert Redactor().value(calls) == masked
    assert Redactor().value({"a@example.org": "tea"}) == {"a@example.org": "tea"}


def test_arguments_that_are_a_text_of_json_are_read_as_such():
    given = '{"password":"hunter2","note":"DB_PASSWORD=Summer2024!\\nnext"}'
    masked = '{"password": "[secret 1]", "note": "DB_PASSWORD=[secret 2]\\nnext"}'
    assert Redactor().value({"arguments": given}) == {"arguments": masked}
    assert Redactor().value({"arguments": '{"n":1}'}) == {"arguments": '{"n":1}'}


def test_a_key_that_is_cut_off_is_masked_as_far_as_it_goes():
    text = f"-----BEGIN{RSA}\\n" + "MIIEowIBAAKCAQEAtqKf81vY\\n" * 3 + " and so on"
    assert Redactor().text(text) == "[private key 1]\\n and so on"


def test_secrets_of_a_long_line_are_found():
    value = "hunter2hunter"
    text = "x" * 7990 + f' password="{value}" ' + "y" * 9000 + JWT + "z" * 100_000
    masked = Redactor().text(text)
    assert value not in masked
    assert JWT not in masked


@pytest.mark.django_db
def test_ids_names_of_models_and_times_stay():
    session = make_session(
        "Tea", "Hello a@example.org", model=make_model("openai", "sk-model"),
        external_id="a@example.org", source="own",
    )  # fmt: skip
    before = next(chats(Session.objects.all()))
    after = next(redacted([before], Redactor()))
    assert after.session == before.session
    assert after.session["session_uuid"] == session.session_uuid
    message, masked = next(before.messages()), next(after.messages())
    assert masked == {**message, "content": "Hello [e-mail address 1]"}


@pytest.mark.django_db
def test_chats_are_masked_one_at_a_time_and_counted_once():
    make_session("One", "a@example.org", "b@example.org")
    asked = []

    def found():
        for chat in chats(Session.objects.all()):
            asked.append(chat.title)
            yield chat
        raise AssertionError("nobody asked for more")

    redactor = Redactor()
    chat: Chat = next(redacted(found(), redactor))
    assert asked == ["One"]
    assert redactor.summary() == "Masked: nothing"
    next(chat.messages())
    assert redactor.summary() == "Masked: 1 e-mail address"
    assert [row["content"] for row in (*chat.messages(), *chat.messages())][2:] == [
        "[e-mail address 1]", "[e-mail address 2]",
    ]  # fmt: skip
    assert redactor.summary() == "Masked: 2 e-mail addresses"


def test_what_is_nested_too_deeply_is_left_out():
    value = text = "a@example.org"
    for _ in range(5000):
        value = [value]
    masked = Redactor().mask({"metadata": value, "content": text})
    assert masked == {
        "metadata": "[nested too deeply to be masked]",
        "content": "[e-mail address 1]",
    }


def test_without_the_libraries_it_says_what_to_install(monkeypatch):
    for name in ("detect_secrets", "conversations.redacting.secrets"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delattr("conversations.redacting.secrets", raising=False)
    with pytest.raises(SessionsError, match=r"pip install -r requirements-redact\.txt"):
        Redactor()
