"""What an index says of bytes that it did not write."""

from codewren.core.errors import InputError


class DamagedIndexError(InputError):
    """A file of an index is truncated, altered or foreign; nothing of it is believed."""
