"""What can be done to a picture. Pure: no network, no clock, no other room."""
