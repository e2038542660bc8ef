"""Tests of the owner: from files to files."""
