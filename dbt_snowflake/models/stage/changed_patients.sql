{{ changed_rows('patients') }}
