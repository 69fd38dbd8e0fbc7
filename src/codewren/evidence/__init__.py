"""What the text around a call of the C library shows: what bounds it, where its values come from."""
