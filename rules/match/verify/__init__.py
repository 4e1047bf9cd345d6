"""Contents of rules against bytes, compiled: most of what the prefilter lets through ends here."""
