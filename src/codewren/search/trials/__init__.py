"""Trainings of a search: run, recorded, resumed."""
