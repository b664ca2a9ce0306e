"""The names under which those who write traces of model calls put things, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..chat import decoded as decode
from ..values.fields import Unusable
from .envelope import Attributes

# -- what kind of work a span is -------------------------------------------------------------------

OPERATION = "gen_ai.operation.name"
CALLS = ("chat", "text_completion", "generate_content")
TOOL_OPERATION = "execute_tool"
STRUCTURE = (
    TOOL_OPERATION, "invoke_agent", "invoke_workflow", "create_agent", "embeddings", "retrieval",
    "plan", "search_memory", "create_memory", "update_memory", "delete_memory", "upsert_memory",
)  # fmt: skip
OPENINFERENCE_KIND = "openinference.span.kind"
LANGFUSE_TYPE = "langfuse.observation.type"
TRACELOOP_KIND = "traceloop.span.kind"
REQUEST_TYPE = "llm.request.type"
REQUEST_TYPES = ("chat", "completion")
# The function of Vercel's SDK; the inner of two has the call, the outer repeats it.
VERCEL_OPERATION = "ai.operationId"
VERCEL_CALLS = (".doGenerate", ".doStream")
VERCEL_TOOL = "ai.toolCall"
# Logfire sends a span that has only begun as one of its own.
LOGFIRE_TYPE, LOGFIRE_PENDING = "logfire.span_type", "pending_span"

# -- whose it is -----------------------------------------------------------------------------------

SESSION = (
    "gen_ai.conversation.id",
    "session.id",
    "langfuse.session.id",
    "traceloop.association.properties.session_id",
    "traceloop.association.properties.thread_id",
    "traceloop.association.properties.chat_id",
    "ai.telemetry.metadata.sessionId",
)
PROJECT = (
    "service.name",
    "openinference.project.name",
    "langfuse.environment",
    "deployment.environment.name",
    "deployment.environment",
)
UNKNOWN_SERVICE = "unknown_service"  # what an SDK writes where nobody gave a name
USER = (
    "user.id",
    "enduser.id",
    "gen_ai.user",
    "langfuse.user.id",
    "traceloop.association.properties.user_id",
    "ai.telemetry.metadata.userId",
)
TAGS = ("tag.tags", "langfuse.trace.tags", "logfire.tags", "ai.telemetry.metadata.tags")
TRACE_NAME = ("langfuse.trace.name",)
# What is said of the whole, though it stands in each span.
OF_SESSION = (
    "metadata",
    "langfuse.trace.",
    "langfuse.release",
    "langfuse.version",
    "traceloop.association.properties.",
    "ai.telemetry.",
)

# -- the call --------------------------------------------------------------------------------------

PROVIDER = (
    "gen_ai.provider.name",
    "gen_ai.system",
    "llm.provider",
    "llm.system",
    "ai.model.provider",
)
MODEL_USED = (
    "gen_ai.response.model",
    "llm.response.model_name",
    "llm.model_name",
    "ai.response.model",
    "langfuse.observation.model.name",
)
MODEL_ASKED = (
    "gen_ai.request.model",
    "llm.request.model_name",
    "llm.model_name",
    "ai.model.id",
    "langfuse.observation.model.name",
)
RESPONSE_ID = ("gen_ai.response.id", "ai.response.id", "llm.response.id")
FINISH = (
    "gen_ai.response.finish_reasons",
    "llm.finish_reason",
    "ai.response.finishReason",
    "langfuse.observation.metadata.finish_reason",
)
SETTINGS = ("llm.invocation_parameters", "langfuse.observation.model.parameters")
SETTING_PREFIXES = ("gen_ai.request.", "ai.settings.")
AGENT = ("gen_ai.agent.name", "agent_name")

INPUT = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.usage.prompt_tokens",
    "llm.token_count.prompt",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
)
OUTPUT = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.usage.completion_tokens",
    "llm.token_count.completion",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
)
CACHE_READ = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cache_read_input_tokens",
    "gen_ai.usage.cached_input_tokens",
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.inputTokenDetails.cacheReadTokens",
    "ai.usage.cachedInputTokens",
)
CACHE_WRITE = (
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens",
    "llm.token_count.prompt_details.cache_write",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
)
REASONING = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
    "ai.usage.outputTokenDetails.reasoningTokens",
    "ai.usage.reasoningTokens",
)
TOTALS = (
    "gen_ai.usage.total_tokens",
    "llm.usage.total_tokens",
    "llm.token_count.total",
    "ai.usage.totalTokens",
    "ai.usage.tokens",
)
LANGFUSE_USAGE = "langfuse.observation.usage_details"
USAGE = {*INPUT, *OUTPUT, *CACHE_READ, *CACHE_WRITE, *REASONING}
COST = ("operation.cost", "gen_ai.usage.cost", "llm.cost.total")
LANGFUSE_COST = "langfuse.observation.cost_details"

FIRST_CHUNK_SECONDS = "gen_ai.response.time_to_first_chunk"
FIRST_CHUNK_MS = "ai.response.msToFirstChunk"
FIRST_CHUNK_TIME = "langfuse.observation.completion_start_time"
FIRST_CHUNK_EVENTS = ("First Token Stream Event", "llm.content.completion.chunk")

EXCEPTION = "exception"
LANGFUSE_STATUS = "langfuse.observation.status_message"
LANGFUSE_LEVEL = "langfuse.observation.level"
ERROR_TYPE = "error.type"

# -- what was said ---------------------------------------------------------------------------------

INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
# Messages in JSON, a whole request or plain text.
INPUTS = (
    "gen_ai.prompt",
    "ai.prompt.messages",
    "langfuse.observation.input",
    "ai.prompt",
    "input.value",
)
OUTPUTS = ("gen_ai.completion", "langfuse.observation.output", "output.value")
OPENINFERENCE_INPUT, OPENINFERENCE_OUTPUT = "llm.input_messages.", "llm.output_messages."
TRACELOOP_INPUT, TRACELOOP_OUTPUT = "gen_ai.prompt.", "gen_ai.completion."
VERCEL_TEXT = ("ai.response.text", "ai.response.object")
VERCEL_REASONING = "ai.response.reasoning"
VERCEL_TOOL_CALLS = "ai.response.toolCalls"

# A message each, as events of a span or log records.
SPEAKERS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
CHOICE = "gen_ai.choice"
EVENT_NAMES = ("event.name", "name")
EVENT_BODY = "gen_ai.event.content"
EVENT_LISTS = ("events", "all_messages_events")  # of pydantic-ai, such events in JSON
# Attributes of the call in an event of its own.
DETAILS = (
    "gen_ai.client.inference.operation.details",
    "gen_ai.content.prompt",
    "gen_ai.content.completion",
)
MESSAGE_EVENTS = (*SPEAKERS, CHOICE, *DETAILS)

# -- tools -----------------------------------------------------------------------------------------

TOOL_NAME = (
    "gen_ai.tool.name",
    "ai.toolCall.name",
    "tool.name",
    "tool_call.function.name",
    "traceloop.entity.name",
)
TOOL_CALL_ID = ("gen_ai.tool.call.id", "ai.toolCall.id", "tool_call.id")
TOOL_ARGUMENTS = (
    "gen_ai.tool.call.arguments",
    "tool_arguments",
    "ai.toolCall.args",
    "tool_call.function.arguments",
    "traceloop.entity.input",
    "langfuse.observation.input",
    "input.value",
)
TOOL_RESULT = (
    "gen_ai.tool.call.result",
    "tool_response",
    "ai.toolCall.result",
    "traceloop.entity.output",
    "langfuse.observation.output",
    "output.value",
)
DEFINITIONS = ("gen_ai.tool.definitions", "ai.prompt.tools")
BODIES = ("langfuse.observation.input", "input.value")  # requests, which may name the tools
OPENINFERENCE_TOOLS, TRACELOOP_TOOLS = "llm.tools.", "llm.request.functions."

# -- what is read, so that the rest can be kept ----------------------------------------------------

READ = {
    OPERATION, OPENINFERENCE_KIND, LANGFUSE_TYPE, REQUEST_TYPE, VERCEL_OPERATION, LOGFIRE_TYPE,
    *SESSION, *PROJECT, *USER, *TAGS, *TRACE_NAME, *PROVIDER, *MODEL_USED, *MODEL_ASKED,
    *RESPONSE_ID, *FINISH, *SETTINGS, *AGENT, *USAGE, *TOTALS, LANGFUSE_USAGE, LANGFUSE_COST,
    FIRST_CHUNK_SECONDS, FIRST_CHUNK_MS, FIRST_CHUNK_TIME, LANGFUSE_STATUS, INPUT_MESSAGES,
    OUTPUT_MESSAGES, SYSTEM_INSTRUCTIONS, *INPUTS, *OUTPUTS, *VERCEL_TEXT, VERCEL_REASONING,
    VERCEL_TOOL_CALLS, *EVENT_NAMES[:1], *EVENT_LISTS, *DEFINITIONS,
    # These repeat what others say: the model, the time, the tools, all messages so far.
    "input.mime_type", "output.mime_type", "operation.name", "model_name", "logfire.msg",
    "logfire.json_schema", "logfire.metrics", "model_request_parameters",
    "pydantic_ai.all_messages", "ai.finishReason", "ai.response.msToFinish",
    "ai.response.avgCompletionTokensPerSecond", "ai.response.avgOutputTokensPerSecond",
    "ai.response.timestamp", "ai.prompt.format",
}  # fmt: skip
READ_PREFIXES = (
    *SETTING_PREFIXES, OPENINFERENCE_INPUT, OPENINFERENCE_OUTPUT, TRACELOOP_INPUT,
    TRACELOOP_OUTPUT, OPENINFERENCE_TOOLS, TRACELOOP_TOOLS, *OF_SESSION,
)  # fmt: skip
# Counts of what did not happen.
USAGE_PREFIXES = ("gen_ai.usage.", "llm.token_count.", "llm.usage.", "ai.usage.")


def decoded(value: Any) -> Any:
    """Return the object or list that stands in text as JSON, the value as it is if none does."""
    try:
        return decode(value)
    except Unusable:  # nested too deep
        return value


def first(attributes: Attributes, names: Iterable[str]) -> Any:
    """Return the first of these attributes that says something, None if none does."""
    return next(
        (value for name in names if (value := attributes.get(name)) not in (None, "", [], {})),
        None,
    )


def first_text(attributes: Attributes, names: Iterable[str]) -> str:
    """Return the first of these attributes that is some text, "" if none is."""
    found = (attributes.get(name) for name in names)
    return next((value for value in found if isinstance(value, str) and value), "")


def rest_of(attributes: Attributes) -> Attributes:
    """Return the attributes of a call that are not read."""
    return {
        name: value
        for name, value in attributes.items()
        if name not in READ
        and not name.startswith(READ_PREFIXES)
        and not (name.startswith(USAGE_PREFIXES) and not value)
    }
