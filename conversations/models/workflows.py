"""Workflows, their executions and the steps of an execution."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from .catalog import Project
from .choices import ExecutionStatus, StepStatus, WorkflowStatus
from .constraints import one_of
from .fields import DateTimeField, ForeignKey, JSONField
from .sessions import Session


class Workflow(models.Model):
    """A series of steps, described in JSON."""

    workflow_uuid = models.CharField(max_length=64, unique=True)
    project = ForeignKey(Project, models.SET_NULL, null=True, blank=True)
    name = models.CharField(max_length=300)
    description = models.TextField(blank=True, db_default="")
    workflow_definition = JSONField()
    status = models.CharField(
        max_length=20, choices=WorkflowStatus, db_default=WorkflowStatus.DRAFT
    )
    version = models.IntegerField(db_default=1)
    created_at = DateTimeField(db_default=Now(), editable=False)
    updated_at = DateTimeField(db_default=Now(), editable=False)  # kept by a trigger
    metadata = JSONField(blank=True, default=dict, db_default={})

    class Meta:
        db_table = "workflows"
        constraints = [one_of("workflows", "status", WorkflowStatus)]

    def __str__(self):
        return self.name


class WorkflowExecution(models.Model):
    """One run of a workflow."""

    execution_uuid = models.CharField(max_length=64, unique=True)
    workflow = ForeignKey(Workflow, models.CASCADE, related_name="executions")
    status = models.CharField(
        max_length=20, choices=ExecutionStatus, db_default=ExecutionStatus.PENDING
    )
    input_data = JSONField(null=True, blank=True)
    output_data = JSONField(null=True, blank=True)
    current_step = models.CharField(max_length=300, blank=True, db_default="")
    started_at = DateTimeField(null=True, blank=True)
    completed_at = DateTimeField(null=True, blank=True)
    error_message = models.TextField(blank=True, db_default="")
    metadata = JSONField(blank=True, default=dict, db_default={})

    class Meta:
        db_table = "workflow_executions"
        constraints = [one_of("workflow_executions", "status", ExecutionStatus)]

    def __str__(self):
        return self.execution_uuid


class WorkflowStep(models.Model):
    """One step of an execution, and the session that it made."""

    workflow_execution = ForeignKey(
        WorkflowExecution, models.CASCADE, related_name="steps", db_index=False
    )
    step_name = models.CharField(max_length=300)
    step_index = models.IntegerField()
    session = ForeignKey(Session, models.SET_NULL, null=True, blank=True)
    status = models.CharField(max_length=20, choices=StepStatus, db_default=StepStatus.PENDING)
    input_data = JSONField(null=True, blank=True)
    output_data = JSONField(null=True, blank=True)
    started_at = DateTimeField(null=True, blank=True)
    completed_at = DateTimeField(null=True, blank=True)
    error_message = models.TextField(blank=True, db_default="")

    class Meta:
        db_table = "workflow_steps"
        constraints = [
            models.UniqueConstraint(
                fields=["workflow_execution", "step_index"], name="workflow_steps_once"
            ),
            one_of("workflow_steps", "status", StepStatus),
        ]

    def __str__(self):
        return self.step_name
