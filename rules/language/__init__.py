"""The language: lines, headers, the model of a rule, and the parser that makes one of the other."""
