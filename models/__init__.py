"""Training, export and evaluation. torch lives here and only here."""
