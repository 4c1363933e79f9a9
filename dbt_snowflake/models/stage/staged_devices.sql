{{ staged('devices') }}
