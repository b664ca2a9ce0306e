"""Files are taken from those who are signed in, and from nobody else."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    """A folder for what is uploaded, and nothing kept in memory."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0
    return tmp_path


def upload(client, path: str = "/sign-in/", **environment: str):
    file = SimpleUploadedFile("chat.json", b"x" * 300_000)
    response = client.post(path, {"theme": "dark", "file": file, "x": "y"}, **environment)
    return response, response.wsgi_request


def test_the_file_of_a_stranger_is_thrown_away_as_it_comes(client):
    for path in ("/sign-in/", "/theme/", "/preferences/"):
        response, request = upload(client, path)
        assert response.status_code in {200, 302}
        assert dict(request.POST) == {"theme": ["dark"], "x": ["y"]}
        assert not request.FILES


def test_the_file_of_a_user_is_taken(client, alice, folder):
    client.force_login(alice)
    _, request = upload(client, "/theme/")
    assert request.FILES["file"].size == 300_000
    assert request.FILES["file"].temporary_file_path().startswith(str(folder))


def test_the_file_of_the_only_user_of_a_machine_is_taken(settings):
    settings.SINGLE_USER = True
    client = Client(SERVER_NAME="127.0.0.1")
    assert upload(client)[1].FILES["file"].size == 300_000
    assert not upload(client, REMOTE_ADDR="10.0.0.1")[1].FILES


def test_more_than_the_limit_is_refused_before_it_is_read(client, alice, settings):
    settings.UPLOAD_LIMIT_MB = 0
    client.force_login(alice)
    response, _ = upload(client, "/import/")
    assert response.status_code == 413
    assert "0 MB together" in response.content.decode()
