"""The real scheduler over simulated nodes on a virtual clock, beside what earlier systems did."""
