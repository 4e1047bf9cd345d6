"""The rules that are in use: a folder of versions, what is switched off in it, and how it is updated."""
