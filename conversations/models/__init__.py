"""The tables of what was said. Columns and defaults are a public interface (docs/data.md)."""

from .annotations import Annotation
from .batches import BatchItem, BatchJob
from .catalog import LanguageModel, Project
from .changes import Change, SavedView
from .imports import Deletion, Import, ImportChunk, ImportStatus, RejectedRecord
from .prices import BasisKind, CostBasis, Price, PriceKind, RepriceChange, RepriceRun, RepriceStatus
from .sessions import Message, Session, SessionSnapshot, SessionTag
from .workflows import Workflow, WorkflowExecution, WorkflowStep

__all__ = [
    "Annotation",
    "BasisKind",
    "BatchItem",
    "BatchJob",
    "Change",
    "CostBasis",
    "Deletion",
    "Import",
    "ImportChunk",
    "ImportStatus",
    "LanguageModel",
    "Message",
    "Price",
    "PriceKind",
    "Project",
    "RejectedRecord",
    "RepriceChange",
    "RepriceRun",
    "RepriceStatus",
    "SavedView",
    "Session",
    "SessionSnapshot",
    "SessionTag",
    "Workflow",
    "WorkflowExecution",
    "WorkflowStep",
]
