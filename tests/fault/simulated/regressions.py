"""Schedules that once failed, shrunk to the events that made them fail; each names its bug."""

from typing import Final

REGRESSIONS: Final = {
    # A node repeats the end of an attempt while the broker stands still; its result was not
    # what its digest promised. Each repetition counted as another result lost.
    "one bad result told five times is one result lost": """
        0.583 node n0 2
        0.289 node n1 1
        0.657 node n2 3
        0.37 node n3 1
        1.25 ask o0 75 56 44 51 49 27 59 7
        4.571 freeze broker 15
    """,
    # The third ASSIGN comes after the fourth: the broker had given its tasks elsewhere, the
    # node ran them all the same, and its memory was promised twice.
    "an assign that comes after a heartbeat without it is void": """
        0.625 node n0 2
        0.457 node n1 2
        0.772 node n2 2
        0.355 node n3 2
        2.084 ask o0 71 104
        0.031 ask o0 35 40 55 76 93 94
        1.497 ask o1 94 21 99 38 83 15 18 32 49 16 115 46 62 17
        3.727 ask o1 6 91 22 112 23 86 106 72 80 63 98
        0 copies broker n0 ASSIGN 3 0.8973
    """,
    # A node says HELLO each second to a broker that stands still. The second one was taken
    # to say that what the first one's WELCOME brought had never come.
    "a hello sent before an assign says nothing of it": """
        0.702 node n1 1
        0.336 node n2 1
        3.025 ask o0 115
        1.074 ask o0
        2.74 freeze broker 15
    """,
    # What was dropped while it ran was not in HELLO: a new broker gave its memory away.
    "a new broker knows what still runs though it was dropped": """
        0.655 node n0 2
        0.043 ask o0 79 106 19 27
        0.188 ask o1
        1.707 ask o1 27
        1.062 restart o0 9
        4.08 broker 1
        1.204 freeze n0 2
    """,
    # A task was given up because its result came after all. Its other attempt's ASSIGN was on
    # the way, and a heartbeat sent before that came was taken to say that it was over.
    "what was given up on its way to a node needs its memory still": """
        0.354 node n0 2
        0.374 ask o0 8 103 40 33 87 49 71
        5.758 broker 1
        1.795 freeze n0 10
        10.878 restart o0 2
        12.892 freeze broker 5
    """,
    # What a node held for nobody was to be dropped, and the memory that it needs till then
    # was forgotten; and it was not gone on with when its owner came a moment later.
    "what a node is told to drop needs its memory until it is dropped": """
        0.354 node n0 2
        0.443 node n1 3
        0.374 ask o0 92 8 13 103 40 33 87 49 80 67 100 108 116 55 71 86 34 81 69 30 99 15
        0.375 ask o0 114 101 56 94 89 84
        0.144 ask o1 35 51 104 108 45 99 81 65 6 82 47 100 23
        5.758 broker 1
        4.073 cut n1 broker 4
        4.316 cut o1 broker 9
        1.795 freeze n0 10
        1.334 freeze o1 4
        5.641 slot n1 1
        3.783 restart o0 2
        10.878 restart o0 2
        12.892 freeze broker 5
        0 copies n1 broker STATE 6
    """,
    # The same, for an attempt that was to run alone beside it and was blamed.
    "what still runs though it was dropped is company": """
        0.853 node n0 2
        0.677 node n1 1
        0.145 node n2 1
        0.589 node n3 2
        2.819 ask o0 35 17 13 67 30
        1.984 ask o0 22 101 50 18
        0.381 ask o0 111 112 0 20
        1.034 node n2 1
        5.321 restart o0 9
        6.702 broker 0.05
        0 copies n0 broker RESULT 4
    """,
    # A node that came back with what it held for nobody yet ran one that was to run alone.
    "what is held for nobody yet is company": """
        0.004 node n1 2
        0.473 node n3 2
        3.37 ask o0 83 51 93
        3.977 freeze broker 5.0
        3.58 cut broker n1 9.0
        11.175 freeze broker 15.0
    """,
    # An ASSIGN told twice, the second time when its attempts were over and forgotten: they ran
    # again, in memory that was given to others.
    "an assign that comes twice is void the second time": """
        0.36 node n0 3
        0.48 node n1 2
        0.887 node n2 1
        3.41 ask o0 115 48 19 50 60 41 52 38
        1.095 ask o1 92 52 112 82 9 54 0 20
        2.943 ask o1 104 32 25 43 7 66 98
        1.058 ask o1 96 36 5 44 55 4 15
        0.766 ask o1 91 29 60 23 46 51 105
        6.415 kill n2
        0 copies broker n0 ASSIGN 9
        0 copies o1 n1 CHUNK 1
        0 copies n0 broker RESULT 14
        0 copies n0 broker STATE 4 0.4068
        0 copies broker n0 ASSIGN 11 0.4117 0.0
    """,
}
