"""Tables of analytics: comparisons, recorded metrics, and budgets."""

from .budgets import LEAST_BUDGET, MOST_BUDGET, Budget, BudgetPeriod
from .comparisons import (
    ComparisonGroup,
    ComparisonPrompt,
    ComparisonReport,
    ComparisonReportPrompt,
    ComparisonResult,
    ComparisonSession,
    ComparisonType,
    ComparisonVariant,
    ComparisonVote,
    Evaluator,
    Outcome,
)
from .metrics import MetricEntity, MetricType, PerformanceMetric

__all__ = [
    "LEAST_BUDGET",
    "MOST_BUDGET",
    "Budget",
    "BudgetPeriod",
    "ComparisonGroup",
    "ComparisonPrompt",
    "ComparisonReport",
    "ComparisonReportPrompt",
    "ComparisonResult",
    "ComparisonSession",
    "ComparisonType",
    "ComparisonVariant",
    "ComparisonVote",
    "Evaluator",
    "MetricEntity",
    "MetricType",
    "Outcome",
    "PerformanceMetric",
]
