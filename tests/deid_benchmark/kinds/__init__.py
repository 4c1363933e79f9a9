"""Score of text cleaning by kind of identifier, without an archive and without dbt."""
