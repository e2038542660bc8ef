"""A LAN on one machine: hosts as network namespaces at a switch, for tests with real members."""
