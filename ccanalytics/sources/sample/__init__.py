"""An invented organisation, the same every time: what the notebooks show before there is a key."""
