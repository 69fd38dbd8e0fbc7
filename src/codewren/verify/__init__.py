"""Reports of other tools, judged by a bundle."""
