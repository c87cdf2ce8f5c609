"""What the check adds."""

from ccanalytics.wings import Wing

WING = Wing(commands={"check": "check.check_command:check"})
