"""Further analyses: drivers, interventions, forecast, unusual days, concentration, lifecycle."""
