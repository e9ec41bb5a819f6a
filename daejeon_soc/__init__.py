from daejeon_soc.celery import app as celery_app

__all__ = ["celery_app"]
