"""Teachers: where they come from, what they are fed, and their logits."""
