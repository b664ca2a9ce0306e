"""Chat messages in the dialects that logs, traces and data sets of model calls are written in."""

from .answers import read_answer, read_question, settings_of
from .bodies import Response, error_text, read_request, read_response
from .chains import Call, Conversation, in_order
from .messages import read_message, read_turns
from .turns import Turn, as_text, decoded, name_in, parsed, role_of

__all__ = [
    "Call",
    "Conversation",
    "Response",
    "Turn",
    "as_text",
    "decoded",
    "error_text",
    "in_order",
    "name_in",
    "parsed",
    "read_answer",
    "read_message",
    "read_question",
    "read_request",
    "read_response",
    "read_turns",
    "role_of",
    "settings_of",
]
