"""Tests of the house itself: its rules and its test helpers."""
