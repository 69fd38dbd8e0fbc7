"""Data flow: which tokens of a function get their value from which, as GraphCodeBERT reads it."""

from codewren.dataflow.graph import DataFlow, Node, Token, data_flow

__all__ = ["DataFlow", "Node", "Token", "data_flow"]
