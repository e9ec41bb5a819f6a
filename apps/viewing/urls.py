from django.urls import path

from apps.viewing import api

urlpatterns = [
    path("cameras/", api.CamerasView.as_view(), name="cameras"),
    path("map/cameras/", api.MapCamerasView.as_view(), name="map_cameras"),
    path("cameras/<int:camera_id>/still.jpg", api.StillView.as_view(), name="still"),
    path("cameras/<int:camera_id>/playback.m3u8", api.PlaybackView.as_view(), name="playback"),
    path("cameras/<int:camera_id>/segments/<int:segment_id>.mp4", api.SegmentView.as_view(), name="segment"),
    path("clips/", api.ClipsView.as_view(), name="clips"),
    path("clips/<uuid:clip_id>/", api.ClipView.as_view(), name="clip"),
    path("clips/<uuid:clip_id>/file", api.ClipFileView.as_view(), name="clip_file"),
    path("clips/<uuid:clip_id>/manifest.json", api.ManifestView.as_view(), name="clip_manifest"),
]
