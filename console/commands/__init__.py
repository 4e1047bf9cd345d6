"""The subcommands of `citywall`, one module each."""
