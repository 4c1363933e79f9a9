{{ staged('studies') }}
