{{ changed_rows('devices') }}
