"""The drop folder: what lies in IN is worked on, for ever."""
