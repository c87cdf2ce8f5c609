"""What the services send and take, as structs; nothing here knows pandas or a network."""
