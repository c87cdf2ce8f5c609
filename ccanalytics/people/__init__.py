"""Who is who: the roster and its dates, identities, small groups, calendars."""
