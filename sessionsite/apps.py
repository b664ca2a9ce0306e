"""The site itself: settings, addresses, sign-in, `SessionManager` and its command line."""

from django.apps import AppConfig


class SessionsiteConfig(AppConfig):
    name = "sessionsite"

    def ready(self):
        from . import checks  # noqa: F401  (registers the system checks)
