"""The lake: tables for analysis, read and queried with DuckDB or Spark, away from the database of the city.

Offers `export`, which brings acts and cases into Parquet exactly once; `queries`, the one place for questions;
`catalogue`, which says whose the data are; and `tables`, which opens an analyst's own file.
It never writes to the city's database and knows no rule of any room above.
"""
