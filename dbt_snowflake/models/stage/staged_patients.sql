{{ staged('patients') }}
