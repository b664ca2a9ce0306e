"""Whose files are taken at all."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler, SkipFile

from .signin import needs_no_password


class UploadTooBig(RequestDataTooBig):
    """More than is taken in at once; the message says how much that is."""


class UploadsOfUsersOnly(FileUploadHandler):
    """Throw files of strangers away as they come.

    Django stores the files of a form before it finds out whether the form is to be refused: any
    page would let anybody fill the disk.
    """

    def handle_raw_input(self, input_data, META, content_length, boundary, encoding=None) -> None:
        if content_length > settings.UPLOAD_LIMIT_MB * 1_000_000:
            limit = f"{settings.UPLOAD_LIMIT_MB:,} MB"
            raise UploadTooBig(
                f"Files may have {limit} together. For more: manage.py import FILE on the server."
            )

    def new_file(self, *args, **kwargs) -> None:
        super().new_file(*args, **kwargs)
        user = getattr(self.request, "user", None)
        if not (user and user.is_authenticated) and not needs_no_password(self.request):
            raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data  # for the handlers after this one

    def file_complete(self, file_size: int) -> None:
        return None
