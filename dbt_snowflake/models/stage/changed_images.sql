{{ changed_rows('images') }}
