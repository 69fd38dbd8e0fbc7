"""From text to probabilities: tokens, the native kernel, the predictor."""
