"""What a machine starts by itself: told to systemd, launchd, or Windows' Task Scheduler."""
