"""The `*.wren` file: its layout, its tensors, and how it is read and written (docs/bundle-format.md)."""
