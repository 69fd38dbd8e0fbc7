"""Search strategies; none of them trains, effectiveness comes through an injected function."""
