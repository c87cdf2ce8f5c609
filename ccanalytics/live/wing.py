"""What the live page adds."""

from ccanalytics.wings import Wing

WING = Wing(commands={"dashboard": "live.dashboard_command:dashboard"})
