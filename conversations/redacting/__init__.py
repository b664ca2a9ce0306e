"""Exports without secrets and personal data.

`Redactor` masks texts, `redacted` an iterator of chats. What finds a value is a library:
detect-secrets, whose plugins know how keys and tokens look; phonenumbers (the edition without
geography, 5 MB for 48); validators, for check digits and top-level domains. They are optional,
requirements-redact.txt, since only a masked export needs them. Not taken were Presidio, which needs
spaCy (390 MB, 2 s to import) and asks the network for public suffixes, and schwifty, whose
pycountry is under the LGPL.

It is a safety net, not a proof: names, postal addresses and passwords in plain sentences are not
found. Code and prose are masked at 1 to 2 MB/s on one core, the time of the detectors.
"""

from .redactor import Redactor, redacted

__all__ = ["Redactor", "redacted"]
