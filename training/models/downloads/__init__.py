"""Models of the Hugging Face hub: which files one needs, fetching, importing and removing them.

Everything lies in the hub's own cache, in its own layout, so that open_clip, transformers and other programs find it.
"""
