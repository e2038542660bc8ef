"""How long things may take, in seconds, and how loud a network is that nobody uses."""

LEASE = 6.0
BEAT = 1.0
A_LITTLE = 1.0

# Lost work runs elsewhere; who was lost is forgotten.
MOVED = LEASE + A_LITTLE
# A silent broker's connections are given up: the broker may be heard a beat longer than the
# node, and an agent looks four times a second.
GIVEN_UP = LEASE + BEAT + A_LITTLE
# The kernel knocks at a silent door each second at first, then ever more rarely.
BACK = 10.0
# What was not taken is sent again after twice as long each time, goodbyes among it: that is once
# more after as long as the link was down, and on a busy machine that takes a while too.
LET_GO = 40.0

NOISE_BYTES = 1000
