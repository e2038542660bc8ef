"""Folders that are not on this machine: IN and OUT as URLs, through fsspec."""

from .inlet import open_inlet
from .outlet import open_outlet

__all__ = ["open_inlet", "open_outlet"]
