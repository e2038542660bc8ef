"""A whole mesh on a virtual clock: the real policy, driven by fake members and a fake network."""
