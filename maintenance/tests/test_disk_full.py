"""A full disk is told of in a sentence; what was stored stays, and nothing half done is left."""

from __future__ import annotations

import pytest

from maintenance.tests.full_disk import Disk, small_disk, tried


def test_whatever_writes_on_a_full_disk_says_so_and_harms_nothing(tmp_path):
    try:
        with small_disk(tmp_path / "disk") as folder:
            disk = Disk(folder)
            disk.set_up()
            assert [(one.what, one.said, one.wrong) for one in tried(disk) if one.wrong] == []
    except OSError as error:
        pytest.skip(f"no small file system can be mounted here: {error}")
