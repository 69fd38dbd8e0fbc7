"""The main path, and the stages it is made of; each stage reads files and leaves a file."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codewren.compress.path import compress

__all__ = ["compress"]


def __getattr__(name: str) -> Any:
    # `codewren bench` lives in this package and must not load torch to time a bundle.
    if name == "compress":
        from codewren.compress.path import compress

        return compress
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
