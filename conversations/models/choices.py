"""The words that columns may hold. They are part of the data contract."""

from django.db.models import TextChoices


class SessionType(TextChoices):
    """What a session is part of."""

    SINGLE = "single"
    COMPARISON = "comparison"
    BATCH = "batch"
    WORKFLOW = "workflow"


class SessionStatus(TextChoices):
    """Where a session stands."""

    ACTIVE = "active"
    COMPLETED = "completed"
    ARCHIVED = "archived"
    FAILED = "failed"


class Role(TextChoices):
    """Who speaks in a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    FUNCTION = "function"
    TOOL = "tool"


class SnapshotType(TextChoices):
    """Why a snapshot was taken."""

    CHECKPOINT = "checkpoint"
    BRANCH_POINT = "branch_point"
    ERROR_STATE = "error_state"
    AUTO_SAVE = "auto_save"


class AnnotatedEntity(TextChoices):
    """What an annotation is about."""

    SESSION = "session"
    MESSAGE = "message"
    COMPARISON = "comparison"


class AnnotationType(TextChoices):
    """What kind of remark an annotation is."""

    RATING = "rating"
    TAG = "tag"
    NOTE = "note"
    CORRECTION = "correction"


class JobType(TextChoices):
    """What a batch job is run for."""

    STANDARD = "standard"
    EVALUATION = "evaluation"
    BENCHMARK = "benchmark"


class JobStatus(TextChoices):
    """Where a batch job stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ItemStatus(TextChoices):
    """Where an item of a batch job stands."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class WorkflowStatus(TextChoices):
    """Where a workflow stands."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


class ExecutionStatus(TextChoices):
    """Where a run of a workflow stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepStatus(TextChoices):
    """Where a step of a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
