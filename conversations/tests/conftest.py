"""What tests of the pages share."""

from __future__ import annotations

import pytest


@pytest.fixture
def reader(django_user_model):
    """Somebody who is no one special, without a password: to hash one takes longer than a test."""
    return django_user_model.objects.create(username="reader")


@pytest.fixture
def client(client, reader):
    """A client on which the reader is signed in."""
    client.force_login(reader)
    return client
