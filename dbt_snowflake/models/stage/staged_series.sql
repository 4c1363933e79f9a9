{{ staged('series') }}
