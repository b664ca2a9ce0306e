"""Adopting a database of the original system: plain SQL, no migrations, anything in its columns.

Its rows are copied into a new file of this version, which is checked and then takes the place of
the old one in a single transaction. What cannot be kept as it is goes into the table `set_aside`.
Until that transaction is written, the old database is as it was, whatever happens.
"""

from .adoption import Adopted, adopt
from .telling import lines

__all__ = ["Adopted", "adopt", "lines"]
