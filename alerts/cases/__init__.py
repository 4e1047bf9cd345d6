"""Cases: alerts about the same hosts, close in time, worked on as one.

What alerts say (:mod:`alerts.cases.members`, :mod:`alerts.cases.grouping`, :mod:`alerts.cases.facts`) and
what people write (:mod:`alerts.cases.work`) are separate documents; :mod:`alerts.cases.casebook` joins them.
"""
