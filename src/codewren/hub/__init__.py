"""Bundles and their cards in repositories of the Hugging Face hub: the one part that uses the network, on request."""
