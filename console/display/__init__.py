"""How a run, a table and a summary look on a terminal, and without one."""
