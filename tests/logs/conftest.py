"""Tests of session logs run by one clock wherever they run."""

import os
import time

os.environ["TZ"] = "UTC"
time.tzset()
