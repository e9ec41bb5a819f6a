from django.db import models
from django.utils.translation import gettext_lazy as _


class MediaKind(models.TextChoices):
    LIVE = "live", _("Live video")
    RECORDED = "recorded", _("Recorded video")
    STILL = "still", _("Still picture")
    LOCATION = "location", _("Location of a person")
    PERSON_CARD = "person_card", _("Person card")


class LegalGround(models.TextChoices):
    """Personal Information Protection Act, Art. 18(2): grounds on which another body may be given video."""

    CONSENT = "consent", _("Consent of the person (Art. 18(2)1)")
    OTHER_LAW = "other_law", _("Special provision in another law (Art. 18(2)2)")
    URGENT = "urgent", _("Urgent protection of life, body or property (Art. 18(2)3)")
    COMMISSION = "commission", _("Decision of the Protection Commission (Art. 18(2)5)")
    TREATY = "treaty", _("Treaty or international agreement (Art. 18(2)6)")
    INVESTIGATION = "investigation", _("Criminal investigation and prosecution (Art. 18(2)7)")
    COURT = "court", _("Work of the courts (Art. 18(2)8)")
    SENTENCE = "sentence", _("Execution of a sentence (Art. 18(2)9)")
    PUBLIC_SAFETY = "public_safety", _("Urgent public safety and peace (Art. 18(2)10)")


# Art. 18(4): what is provided on these two grounds need not be published.
UNPUBLISHED_GROUNDS = (LegalGround.CONSENT, LegalGround.INVESTIGATION)
