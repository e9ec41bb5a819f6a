from django.urls import path

from apps.cameras import api

urlpatterns = [
    path("map/shapes/", api.map_shapes, name="map_shapes"),
]
