"""A Dataset -> metric frames, headlines and other results, ready to draw.

    actor_weeks      what each actor did per day and per closed ISO week: sums, nothing else
    ratios           sums and ratios of sums by week, floors, withheld groups, intervals
    by_week          the public question: any metric of the definitions, and ratios of your own
    definitions      what every number means (definitions.toml)
    change           the last week against an earlier one, and whether that is noise
    adoption, productivity, cost, roster_metrics    metrics with a shape of their own

People only, API keys apart. Undefined, under its floor or of fewer people than the dataset's
`minimum_group`: null, never 0. Nothing here knows Altair, HTTP or the store.
"""
