"""What `/livez` and `/readyz` say to machines."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from sessionsite import health


def test_the_process_is_alive_without_a_database(client, django_assert_num_queries):
    # No database mark: a query would be an error.
    client.cookies["sessionid"] = "x" * 32
    response = client.get("/livez")
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert client.post("/livez").status_code == 405


@pytest.mark.django_db
def test_all_is_ready(client):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "ready", "problems": {}}


def problems(client) -> dict[str, str]:
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["status"] == "not ready"
    return response.json()["problems"]


@pytest.mark.django_db
def test_a_migration_that_was_not_applied_is_named(client):
    [(app, name)] = MigrationLoader(connection).graph.leaf_nodes("analytics")
    MigrationRecorder(connection).record_unapplied(app, name)
    assert f"analytics.{name}" in problems(client)["migrations"]


@pytest.mark.django_db
def test_a_missing_trigger_is_named(client):
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER messages_insert_totals")
    assert problems(client) == {"schema": "the database lacks: messages_insert_totals"}


@pytest.mark.django_db
def test_a_full_disk_is_named(client, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1024**2))
    assert "1 MB free" in problems(client)["disk"]


@pytest.mark.parametrize("said", ["database is locked", "something nobody has heard of"])
@pytest.mark.django_db
def test_a_database_that_does_not_answer_is_named_and_nothing_else(client, monkeypatch, said):
    def fail():
        raise OperationalError(said)

    monkeypatch.setattr(health, "_database", fail)
    found = problems(client)
    assert list(found) == ["database"]
    assert ("is locked: another program" if "locked" in said else said) in found["database"]


@pytest.mark.django_db
def test_strangers_are_told_no_folder_names(client, monkeypatch):
    def fail():
        raise DatabaseError("database is locked")

    monkeypatch.setattr(health, "_database", fail)
    here = client.get("/readyz").json()["problems"]["database"]
    there = client.get("/readyz", REMOTE_ADDR="203.0.113.9").json()["problems"]["database"]
    assert here.startswith("/")
    assert "/" not in there
    assert "is locked" in there
