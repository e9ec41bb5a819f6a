from django.urls import path

from apps.viewing import api, looking_back

urlpatterns = [
    path("cameras/", api.CamerasView.as_view(), name="cameras"),
    path("map/cameras/", api.MapCamerasView.as_view(), name="map_cameras"),
    path("cameras/<int:camera_id>/still.jpg", api.StillView.as_view(), name="still"),
    path("cameras/<int:camera_id>/playback.m3u8", api.PlaybackView.as_view(), name="playback"),
    path("cameras/<int:camera_id>/segments/<int:start_ms>.mp4", api.SegmentView.as_view(), name="segment"),
    path("cameras/<int:camera_id>/timeline", looking_back.TimelineView.as_view(), name="timeline"),
    path("cameras/<int:camera_id>/thumbnail.jpg", looking_back.ThumbnailView.as_view(), name="thumbnail"),
    path("bookmarks/", looking_back.BookmarksView.as_view(), name="bookmarks"),
    path("bookmarks/<int:bookmark_id>/", looking_back.BookmarkView.as_view(), name="bookmark"),
    path("clips/", api.ClipsView.as_view(), name="clips"),
    path("clips/<uuid:clip_id>/", api.ClipView.as_view(), name="clip"),
    path("clips/<uuid:clip_id>/file", api.ClipFileView.as_view(), name="clip_file"),
    path("clips/<uuid:clip_id>/manifest.json", api.ManifestView.as_view(), name="clip_manifest"),
]
