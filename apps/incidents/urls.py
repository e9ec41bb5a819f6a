from django.urls import path

from apps.incidents import api

urlpatterns = [path("events/", api.EventsView.as_view(), name="events")]
