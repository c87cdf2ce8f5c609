"""The result of any metric, called as a user would."""

import ccanalytics as cca


def result_of(data, metric_id, **how):
    """`metric_frame` for the metrics it knows, otherwise the function of the same name."""
    metric = cca.METRICS[metric_id]
    if metric.numerator or metric.frame or metric.function:
        return cca.metric_frame(data, metric_id, **how)
    if metric_id.endswith("_drivers"):
        return cca.cost_drivers(data, metric_id.removesuffix("_drivers"))
    return getattr(cca, metric_id)(data, **how)


def card_of(headline):
    """The texts of the card that a headline is displayed as."""
    [card] = headline._repr_mimebundle_()["application/vnd.ccanalytics.cards+json"]["cards"]
    return card
