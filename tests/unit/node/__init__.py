"""Tests of the node's room."""
