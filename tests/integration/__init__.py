"""Tests of pixmesh."""
