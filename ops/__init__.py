"""What can be done to a picture. Pure: no network, no clock, no other room.

Start at `recipe.parse`, `header.probe` and `process.process`.
"""
