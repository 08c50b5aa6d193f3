"""One file per training stage: its settings, its batches, its loss, its measure."""
