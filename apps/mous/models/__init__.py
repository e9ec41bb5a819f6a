from apps.mous.models.agreements import Agreement, Consent, Integration, Mou
from apps.mous.models.ledger import LedgerEntry
from apps.mous.models.provisions import Provision, ProvisionCamera, ProvisionRequest, UrgentReview, UseResult
from apps.mous.models.words import LegalGround, MediaKind

__all__ = [
    "Agreement",
    "Consent",
    "Integration",
    "LedgerEntry",
    "LegalGround",
    "MediaKind",
    "Mou",
    "Provision",
    "ProvisionCamera",
    "ProvisionRequest",
    "UrgentReview",
    "UseResult",
]
