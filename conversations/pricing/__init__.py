"""What a request costs, and how that is known. `Pricer` is the way in."""

from .cost import LOCAL, RECORDED, SUBSCRIPTION, UNKNOWN, Basis, Cost
from .messages import ModelName, Priced, after_edit, price_new, priced
from .pricer import Pricer
from .tokens import Usage, usage_of

__all__ = [
    "LOCAL",
    "RECORDED",
    "SUBSCRIPTION",
    "UNKNOWN",
    "Basis",
    "Cost",
    "ModelName",
    "Priced",
    "Pricer",
    "Usage",
    "after_edit",
    "price_new",
    "priced",
    "usage_of",
]
