"""Facts of the rooms, one reader a room, each as things stood at the end of the report day.

What was done later is left out, so that a day's report says the same whenever it is made. Only the lane
`live` counts, but for drills.
"""
