"""Projects and models, each with its own page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversations import changes
from conversations.filters import totals
from conversations.forms import ModelForm, ProjectForm, changed_columns
from conversations.models import LanguageModel, Project, Session
from conversations.pages import render_list, say
from conversations.tables import ModelTable, ProjectTable, SessionTable


@require_safe
def project_list(request: HttpRequest) -> HttpResponse:
    table = ProjectTable(Project.objects.with_figures(), request=request)
    return render_list(
        request,
        "conversations/projects.html",
        {"table": table},
        part="tables/_listing.html",
    )


@require_safe
def project_detail(request: HttpRequest, pk: int) -> HttpResponse:
    project = get_object_or_404(Project, pk=pk)
    return _with_sessions(
        request,
        "conversations/project.html",
        {"project": project, "crumbs": [(reverse("projects"), "Projects")]},
        project=pk,
    )


def _with_sessions(request: HttpRequest, page: str, context, **of: int) -> HttpResponse:
    sessions, query = Session.objects.filter(**of), QueryDict(mutable=True)
    query.update(of)
    sums = totals(sessions)
    table = SessionTable.of(
        sessions, query=query, request=request, count=sums.sessions, exclude=("pick",)
    )
    return render_list(
        request,
        page,
        {**context, "table": table, "totals": sums},
        part="tables/_listing.html",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def project_new(request: HttpRequest) -> HttpResponse:
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect(form.save())
    return render(request, "conversations/catalog_form.html", _form(form, "New project"))


@require_http_methods(["GET", "HEAD", "POST"])
def project_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _edit(request, get_object_or_404(Project, pk=pk), ProjectForm, "Project changed")


def _edit(request: HttpRequest, row, form_class, summary: str) -> HttpResponse:
    form = form_class(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        change = changes.edit(row, changed_columns(form), summary, user=request.user)
        say(request, "Saved." if change.steps else "Nothing was changed.", undo=change)
        return redirect(row)
    return render(request, "conversations/catalog_form.html", _form(form, "Edit", row))


def _form(form, title: str, row=None) -> dict[str, object]:
    plural = "projects" if isinstance(form, ProjectForm) else "models"
    crumbs = [(reverse(plural), plural.capitalize())]
    if row:
        crumbs.append((row.get_absolute_url(), str(type(row).objects.get(pk=row.pk))))
    return {"form": form, "title": title, "crumbs": crumbs, "back": crumbs[-1][0]}


@require_POST
def project_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a project; its sessions stay, under none."""
    project = get_object_or_404(Project, pk=pk)
    summary = f"Project {project.name} deleted"
    change = changes.delete_and_keep(project, summary, user=request.user)
    say(request, f"{change.summary}. Its sessions are kept.", undo=change)
    return redirect("projects")


@require_safe
def model_list(request: HttpRequest) -> HttpResponse:
    table = ModelTable(LanguageModel.objects.with_figures(), request=request)
    return render_list(
        request,
        "conversations/models.html",
        {"table": table},
        part="tables/_listing.html",
    )


@require_safe
def model_detail(request: HttpRequest, pk: int) -> HttpResponse:
    model = get_object_or_404(LanguageModel, pk=pk)
    return _with_sessions(
        request,
        "conversations/model.html",
        {"model": model, "crumbs": [(reverse("models"), "Models")]},
        model=pk,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def model_new(request: HttpRequest) -> HttpResponse:
    form = ModelForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect(form.save())
    return render(request, "conversations/catalog_form.html", _form(form, "New model"))


@require_http_methods(["GET", "HEAD", "POST"])
def model_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _edit(request, get_object_or_404(LanguageModel, pk=pk), ModelForm, "Model changed")
