"""Session log tests use one clock on every machine; fixtures for their logs and their store."""

import os
import time

import pytest

from ccanalytics.store.day_store import Store

os.environ["TZ"] = "UTC"
time.tzset()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "claude"


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")
