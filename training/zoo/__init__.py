"""The zoo of small encoders that come with Gelato: their data, their training, their figures and their cards."""
