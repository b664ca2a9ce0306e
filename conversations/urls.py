"""Addresses of what was said."""

from django.urls import path
from django.views.generic import RedirectView

from .views import sessions

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="sessions"), name="home"),
    path("sessions/", sessions.session_list, name="sessions"),
    path("sessions/<str:session_uuid>/", sessions.session_detail, name="session"),
    path(
        "sessions/<str:session_uuid>/messages/<str:message_uuid>.txt",
        sessions.message_text,
        name="message-text",
    ),
]
