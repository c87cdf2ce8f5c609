"""A Dataset -> metric frames, headlines and other results, ready to draw.

    actor_weeks      what each actor did per day and per closed ISO week: sums, nothing else
    ratios           sums and ratios of sums by week, floors, withheld groups, intervals
    by_week          the public question: any metric by week, month or day, and ratios of your own
    own_shapes       weekly metrics with a shape of their own
    definitions      what every number means (definitions.toml)
    own_history      intervals and changes, judged by the weeks of a figure's own history
    change           the last weeks against earlier ones, and whether that is noise

People only, API keys apart. Undefined, under its floor or of fewer people than the dataset's
`minimum_group`: null, never 0. Nothing here knows Altair, HTTP or the store.
"""
