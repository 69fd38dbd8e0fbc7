"""What a prediction costs on this machine, models side by side."""
