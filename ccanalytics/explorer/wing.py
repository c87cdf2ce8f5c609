"""What the explorer adds."""

from ccanalytics.wings import Wing

WING = Wing(names={"explore": "explorer.controls:explore"})
