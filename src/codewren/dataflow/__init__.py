"""Data flow: which tokens of a function get their value from which, as GraphCodeBERT reads it."""

from codewren.dataflow.extract import data_flow
from codewren.dataflow.graph import DataFlow, Node, Token

__all__ = ["DataFlow", "Node", "Token", "data_flow"]
