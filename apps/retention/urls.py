from django.urls import path

from apps.retention import views

urlpatterns = [path("certificates/<int:certificate_id>/", views.certificate, name="certificate")]
