"""FAISS indexes, filters, facets, relevance and explanations."""
