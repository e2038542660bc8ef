"""Connections between members: keys, addresses, transfer."""
