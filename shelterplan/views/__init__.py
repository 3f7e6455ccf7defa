"""Maps, charts and files made of tables; the only place that knows folium."""
