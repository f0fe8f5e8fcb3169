"""Tables of images: CSV, TSV and parquet, by path or with the bytes inside."""
