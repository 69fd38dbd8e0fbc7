"""codewren: turn a fine-tuned model of code into one small file, and run it anywhere."""

__version__ = "0.1.0"
