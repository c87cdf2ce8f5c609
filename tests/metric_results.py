"""Any metric of the definitions, asked for as a reader would."""

import ccanalytics as cca


def result_of(data, metric_id, **how):
    """`metric_frame` where it knows the metric, else the function of its own name."""
    metric = cca.METRICS[metric_id]
    if metric.numerator or metric.frame or metric.function:
        return cca.metric_frame(data, metric_id, **how)
    if metric_id.endswith("_drivers"):
        return cca.cost_drivers(data, metric_id.removesuffix("_drivers"))
    return getattr(cca, metric_id)(data, **how)


def card_of(headline):
    """The texts of the card that a headline shows itself as."""
    [card] = headline._repr_mimebundle_()["application/vnd.ccanalytics.cards+json"]["cards"]
    return card
