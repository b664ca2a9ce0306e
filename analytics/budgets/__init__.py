"""Budgets: how far they are spent, which sessions it was, and setting them."""

from .drawing import chart
from .explaining import EXPLAINED, MOST_LISTED, Explaining, Overspend, explain
from .setting import find, remove, set_budget
from .spending import LEVELS, BudgetState, Level, state_of, states, where_of

__all__ = [
    "EXPLAINED", "LEVELS", "MOST_LISTED", "BudgetState", "Explaining", "Level", "Overspend",
    "chart", "explain", "find", "remove", "set_budget", "state_of", "states", "where_of",
]  # fmt: skip
