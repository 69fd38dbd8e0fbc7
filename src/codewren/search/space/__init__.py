"""The space of students: points, limits, costs."""
