from django.urls import path

from apps.incidents.consumers import EventsConsumer
from apps.viewing.consumers import LiveConsumer

urlpatterns = [
    path("ws/events/", EventsConsumer.as_asgi()),
    path("api/v1/cameras/<int:camera_id>/live", LiveConsumer.as_asgi()),
]
