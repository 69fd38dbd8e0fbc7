"""Joules with the name of the meter that gave them, and what they mean in grams of CO2."""
