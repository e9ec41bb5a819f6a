from django.urls import path

from apps.linked_services import api, results

urlpatterns = [
    path("incidents/", api.IntakeView.as_view(), name="intake"),
    path("incidents/<slug:number>/", api.IncidentView.as_view(), name="incident_detail"),
    path("incidents/<slug:number>/transitions/", api.TransitionView.as_view(), name="incident_transitions"),
    path("provisions/<int:provision_id>/result/", results.ResultView.as_view(), name="provision_result"),
    path("incident-types/", api.IncidentTypesView.as_view(), name="incident_types"),
]
