"""What the fake service adds."""

from ccanalytics.wings import Wing

WING = Wing(commands={"fake-api": "fake_api.fake_api_command:fake_api"})
