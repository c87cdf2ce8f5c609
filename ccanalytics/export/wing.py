"""What exports add."""

from ccanalytics.wings import Wing

WING = Wing(
    commands={
        "export": "export.export_command:export",
        "recipe": "export.export_command:recipe",
    }
)
