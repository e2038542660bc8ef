"""The matchmaker: the protocol, the pure policy, the status view and the socket loop."""
