"""From a folder to findings: files, functions, judgements, clones, formats."""
