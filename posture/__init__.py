"""Who is who on the network: the register of assets, prefixes, zones, units and systems.

The rest of the room (posture index, warnings, notices, cascade) stands on it. It imports `citywall` and
`alerts`.
"""
