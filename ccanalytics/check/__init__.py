"""Why does it not work? One finding per thing that can be wrong, each with the next step.

Nothing is changed, nothing is fetched into the store, and no finding holds a key. To add a check,
write a function that returns a `CheckFinding` and add a line to a table.
"""
