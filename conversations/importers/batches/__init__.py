"""Results of batches of requests: a line for each answer, what was asked in another file."""

from . import anthropic_batch, openai_batch

__all__ = ["anthropic_batch", "openai_batch"]
