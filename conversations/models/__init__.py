"""The tables of what was said. Columns and defaults are a public interface (docs/data.md)."""

from .annotations import Annotation
from .batches import BatchItem, BatchJob
from .catalog import LanguageModel, Project
from .sessions import Message, Session, SessionSnapshot
from .workflows import Workflow, WorkflowExecution, WorkflowStep

__all__ = [
    "Annotation",
    "BatchItem",
    "BatchJob",
    "LanguageModel",
    "Message",
    "Project",
    "Session",
    "SessionSnapshot",
    "Workflow",
    "WorkflowExecution",
    "WorkflowStep",
]
