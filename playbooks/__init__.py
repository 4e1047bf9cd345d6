"""Playbooks (剧本): CACAO v2.0 documents, the engine that runs them, and what they can do.

A document is read whole or refused with every fault (:mod:`playbooks.library`). The engine
(:mod:`playbooks.engine`) is pure: a run and an event give the run after it, and what is due. The runner
(:mod:`playbooks.runner`) does what is due and journals it before and after.
"""
