"""The site itself: settings, addresses, sign-in, `SessionManager` and its command line."""

from django.apps import AppConfig


class SessionsiteConfig(AppConfig):
    name = "sessionsite"

    def ready(self):
        from . import checks, lockout  # noqa: F401  (they register checks and receivers)
