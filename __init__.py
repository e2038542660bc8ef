"""Image tasks over every machine of a LAN: the public face of pixmesh."""
