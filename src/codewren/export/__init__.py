"""Writes bundles and ONNX files."""
