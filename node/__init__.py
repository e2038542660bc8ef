"""What a LAN machine does: the agent and its slots, connections, and the owner of jobs."""
