"""Ways to write findings down; each module has `render(result, origin) -> str`."""
