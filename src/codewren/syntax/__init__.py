"""Source text as trees: grammars, functions, tokens."""
