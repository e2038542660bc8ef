"""What the dashboard shows, as rows and words. Pure: snapshots and ``now`` in, no Textual."""
