"""A day's figures counted again: from documents, lines and files, with none of the code that made the report.

Only what settings and the manual say (the zone, how many rows are shown, the weights of the posture formula)
is taken as it is.
"""
