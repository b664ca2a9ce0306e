"""Addresses of what was said."""

from django.urls import include, path
from django.views.generic import RedirectView

from .views import (
    catalog,
    go,
    messages,
    one_session,
    saved_views,
    search,
    sessions,
    start,
    trash,
)

one = [
    path("", one_session.session_detail, name="session"),
    path("edit/", one_session.session_edit, name="session-edit"),
    path("status/", one_session.session_status, name="session-status"),
    path("branch/", one_session.session_branch, name="session-branch"),
    path("branches/", one_session.session_branches, name="session-branches"),
    path("annotations/", one_session.session_annotate, name="session-annotate"),
    path("snapshots/", one_session.session_snapshots, name="session-snapshots"),
    path("snapshots/<int:number>/", one_session.session_snapshot, name="session-snapshot"),
    path("export/<slug:format>/", one_session.session_export, name="session-export"),
    path("messages/", messages.message_add, name="message-add"),
    path("messages/<str:message_uuid>.txt", messages.message_text, name="message-text"),
    path("messages/<str:message_uuid>/", messages.message_detail, name="message"),
    path("messages/<str:message_uuid>/delete/", messages.message_delete, name="message-delete"),
    path(
        "messages/<str:message_uuid>/annotations/",
        messages.message_annotate,
        name="message-annotate",
    ),
]
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="sessions"), name="home"),
    path("sessions/", sessions.session_list, name="sessions"),
    path("sessions/new/", sessions.session_new, name="session-new"),
    path("sessions/bulk/", sessions.bulk, name="sessions-bulk"),
    path("sessions/views/", saved_views.save_view, name="view-save"),
    path("sessions/views/<int:pk>/delete/", saved_views.delete_view, name="view-delete"),
    path("sessions/<str:session_uuid>/", include(one)),
    path(
        "annotations/<str:annotation_uuid>/delete/",
        one_session.annotation_delete,
        name="annotation-delete",
    ),
    path("changes/<str:change_uuid>/undo/", sessions.undo, name="undo"),
    path("projects/", catalog.project_list, name="projects"),
    path("projects/new/", catalog.project_new, name="project-new"),
    path("projects/<int:pk>/", catalog.project_detail, name="project"),
    path("projects/<int:pk>/edit/", catalog.project_edit, name="project-edit"),
    path("projects/<int:pk>/delete/", catalog.project_delete, name="project-delete"),
    path("models/", catalog.model_list, name="models"),
    path("models/new/", catalog.model_new, name="model-new"),
    path("models/<int:pk>/", catalog.model_detail, name="model"),
    path("models/<int:pk>/edit/", catalog.model_edit, name="model-edit"),
    path("trash/", trash.trash, name="trash"),
    path("trash/empty/", trash.trash_empty, name="trash-empty"),
    path("search/", search.search_page, name="search"),
    path("go/", go.go, name="go"),
    path("import/", start.import_page, name="import"),
    path("demo/", start.demo_data, name="demo"),
    path("connect/", start.connect, name="connect"),
    path("keys/", start.keys, name="keys"),
    path("styleguide/", start.styleguide, name="styleguide"),
]
