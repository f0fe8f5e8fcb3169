"""How the embedded default encoder is fitted."""
