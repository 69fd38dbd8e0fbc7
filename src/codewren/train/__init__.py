"""Teachers, students and distillation: the only place beside export that imports torch."""
