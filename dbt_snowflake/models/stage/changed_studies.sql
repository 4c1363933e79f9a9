{{ changed_rows('studies') }}
