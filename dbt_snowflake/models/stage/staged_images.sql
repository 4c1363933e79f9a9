{{ staged('images') }}
