"""Tests of the broker's room: the wire, the policy, the whole mesh on a virtual clock."""
