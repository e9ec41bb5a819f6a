"""Who asks: the columns of the access matrix, and the signs in its cells."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    code: str
    name: str
    words: str


# The order is that of the cells in `table.txt`.
PEOPLE = [
    Role("visitor", "Visitor", "somebody from the street: not signed in"),
    Role("operator", "Operator", "watches and answers calls at the operation centre"),
    Role("supervisor", "Supervisor", "leads a shift of the operation centre"),
    Role("administrator", "Administrator", "keeps the register, the agreements and the accounts at the centre"),
    Role("auditor", "Auditor", "checks at the centre who looked at what"),
    Role("guide", "Guide", "shows visitors the centre, by virtual cameras and exercises"),
    Role("police", "Police liaison", "of an agency with an agreement in force and a provision for an open incident"),
    Role("officer", "Police officer", "a field officer of the same agency"),
    Role("police_admin", "Police administrator", "manages the members of that agency"),
    Role("fire", "Fire liaison", "of an agency with an agreement of its own, which was given nothing here"),
    Role("owner", "Owner", "of the district office whose camera it is"),
    Role("key_intake", "Key: intake", "the police's own system, with a key issued for sending calls"),
    Role("key_read", "Key: read", "the same, with a key issued for seeing"),
    Role("key_events", "Key: events", "the same, with a key issued for hearing what changes"),
]
NEAR_MISSES = [
    Role("far", "Other area", "of an agency that was provided with another camera, elsewhere"),
    Role("expired", "Expired", "of an agency whose agreement ended a moment ago"),
    Role("not_begun", "Not begun", "of an agency whose agreement begins tomorrow"),
    Role("draft", "Draft", "of an agency whose agreement nobody has signed"),
    Role("suspended", "Suspended", "of an agency whose agreement is suspended"),
    Role("revoked", "Revoked", "of an agency whose agreement is revoked"),
    Role("taken_back", "Taken back", "of an agency whose agreement is in force and whose provision was revoked"),
    Role("closed", "Closed", "of an agency whose incident is closed; its provision still gives recordings"),
    Role("disabled", "Disabled", "a police liaison whose account is disabled"),
    Role("signed_out", "Signed out", "a police liaison whose session has been ended"),
    Role("no_pledge", "No pledge", "a police liaison who has not pledged confidentiality this year"),
    Role("no_factor", "No second factor", "a police liaison who has not set up a second factor"),
    Role("locked", "Locked", "a police liaison whose screen is locked"),
    Role("nobody", "No agency", "a person with an account and no agency"),
    Role("superuser", "Superuser", "an account with every right of the administration and no agency"),
    Role("key_fire", "Fire’s key", "the fire service’s own system, its key issued for everything"),
    Role("key_revoked", "Revoked key", "a key of the police that has been revoked"),
    Role("key_network", "Strange network", "a key of the police, from a network that it is not for"),
]
ROLES = PEOPLE + NEAR_MISSES

# What a cell says: (sign in the page, words).
ANSWERS = {
    "+": ("✓", "opens, or is done"),
    "0": ("404", "is not there, as far as this reader can tell"),
    "-": ("403", "refused: not for this role"),
    "!": ("no", "the page answers that it is not allowed, and nothing is done"),
    "s": ("scope", "refused: the key was not issued for this"),
    "i": ("sign in", "turned to the sign-in"),
    "k": ("401", "a sign-in or a key is missing, or no longer holds"),
    "p": ("pledge", "turned to the pledge of confidentiality"),
    "f": ("factor", "turned to the page that sets up a second factor"),
    "u": ("unlock", "turned to the locked screen"),
    "b": ("not so", "is told what is wrong with what was asked; nothing is done"),
    "a": ("again", "asks once more, first, who the reader is"),
    "n": ("405", "there is nothing of the kind to be done here"),
    "h": ("home", "turned to one’s own first page: there is nothing to do here"),
}
