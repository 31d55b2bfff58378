"""Tables: CSV and Parquet files, their columns and rows, and windows cut from them."""
