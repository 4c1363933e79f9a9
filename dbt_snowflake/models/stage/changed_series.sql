{{ changed_rows('series') }}
