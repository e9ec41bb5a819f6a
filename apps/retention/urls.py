from django.urls import path

from apps.retention import views

urlpatterns = [
    path("certificates/<int:certificate_id>/", views.certificate, name="certificate"),
    path("certificates/<int:certificate_id>.pdf", views.certificate_file, name="certificate_file"),
    path("certificates/copies/<int:copy_id>.pdf", views.confirmation_file, name="confirmation_file"),
]
