"""One file per graph; a network knows its own maths and nothing of data or training."""
