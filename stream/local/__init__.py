"""The embedded durable log: Faust's transport where no broker runs."""
