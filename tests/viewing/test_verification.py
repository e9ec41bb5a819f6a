"""The public page that says whether a file is a clip of the centre: for strangers, hostile ones among them."""

# ruff: noqa: F811  (fixtures of other modules)

import base64
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.video import actions, seal, signing, tasks, verifying
from apps.video.models import Clip, SigningKey
from apps.viewing import verification
from tests.video.conftest import roots  # noqa: F401
from tests.video.filming import film
from tests.video.test_cutting import START, after

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
SECRETS = ("kim@police", "P-17", "robbery", "police-agency")


@pytest.fixture
def clip(roots, camera):
    film(roots, camera, START, 3)
    note = dict(zip(("requested_by", "provision", "purpose", "agency"), SECRETS, strict=True))
    clip = actions.order_clip(camera.pk, after(0.5), after(2), note={"ledger_number": 17, **note})
    tasks.cut_clips()
    clip.refresh_from_db()
    return clip


@pytest.fixture
def stranger():
    return Client(headers={"accept-language": "en"}, enforce_csrf_checks=True)


def sent(client, data: bytes, name="x.mp4"):
    return client.post("/verify/file/", {"file": SimpleUploadedFile(name, data)})


def asked(client, data: bytes, **changes):
    reading = seal.Reading()
    reading.feed(data)
    found = reading.finish()
    body = {"sha256": found.sha256, "content": found.content, "seal": found.seal, "numbers": list(found.numbers)}
    return client.post("/verify/check/", json.dumps(body | changes), content_type="application/json")


@pytest.mark.parametrize("way", [sent, asked])
class TestBothWays:
    def test_untouched_says_what_the_centre_vouches_for_and_nothing_of_people(self, way, clip, stranger, camera):
        page = way(stranger, clip.file.read_bytes()).content.decode()
        assert 'data-verdict="untouched"' in page
        assert camera.number in page and "18:30:00" in page and "09:30:00" in page and ">17<" in page
        assert not [secret for secret in SECRETS if secret in page]

    @pytest.mark.parametrize("where", [0.1, 0.5, 0.97])
    def test_a_changed_byte_anywhere(self, way, clip, stranger, where):
        data = bytearray(clip.file.read_bytes())
        data[int(len(data) * where)] ^= 1
        page = way(stranger, bytes(data)).content.decode()
        assert 'data-verdict="changed"' in page and str(clip.pk) in page
        assert clip.camera.number not in page

    def test_a_byte_more_or_less(self, way, clip, stranger):
        data = clip.file.read_bytes()
        for other in (data + b"\0", data[:-1], data[: len(data) // 2] + data[len(data) // 2 + 1 :]):
            assert 'data-verdict="changed"' in way(stranger, other).content.decode()

    def test_somebody_elses_file(self, way, clip, stranger):
        assert 'data-verdict="unknown"' in way(stranger, b"holiday").content.decode()

    def test_by_its_seal_alone_when_the_register_is_lost(self, way, clip, stranger):
        data = clip.file.read_bytes()
        Clip.objects.all().delete()
        assert 'data-verdict="untouched"' in way(stranger, data).content.decode()
        data = bytearray(data)
        data[1000] ^= 1
        assert 'data-verdict="changed"' in way(stranger, bytes(data)).content.decode()

    def test_a_key_that_strangers_know_vouches_for_nothing_by_itself(self, way, clip, stranger):
        data = clip.file.read_bytes()
        signing.rotate()
        signing.disown(SigningKey.objects.get(pk=clip.manifest["key"]), after(0))
        page = way(stranger, data).content.decode()
        assert 'data-verdict="untouched"' in page and "given up" in page
        Clip.objects.all().delete()
        assert 'data-verdict="unknown"' in way(stranger, data).content.decode()

    def test_a_seal_signed_by_a_stranger_is_no_seal(self, way, clip, stranger, tmp_path, settings):
        settings.SIGNING_KEY_FILE = tmp_path / "strangers.pem"
        forged = signing.sign({**clip.manifest, "camera": "another"})
        SigningKey.objects.filter(pk=forged["key"]).delete()
        Clip.objects.all().delete()
        data = b"\0\0\0\x0cfree...." + seal.sealed(forged)
        assert 'data-verdict="unknown"' in way(stranger, data).content.decode()

    def test_the_clips_own_seal_under_another_video(self, way, clip, stranger):
        data = b"\0\0\0\x0cfree...." + seal.sealed({**clip.manifest})
        assert 'data-verdict="changed"' in way(stranger, data).content.decode()


def test_a_clip_signed_by_an_old_key_stays_good(clip):
    old = clip.manifest["key"]
    new = signing.rotate()
    assert signing.sign({})["key"] == new.pk != old
    assert verifying.verify(clip.file).verdict == "untouched"


class TestHostile:
    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"[]", b"null", b'{"sha256": 1}', b'{"sha256": "zz"}', b'{"sha256": "%s\n"}' % (b"0" * 64)]
        + [
            b"[" * 200_000,
            b'{"sha256": "%s", "seal": []}' % (b"0" * 64),
            b'{"sha256": "%s", "numbers": 1}' % (b"0" * 64),
        ]
        + [b'{"sha256": "%s", "content": {}}' % (b"0" * 64)],
    )
    def test_questions_of_nonsense(self, db, stranger, body):
        answer = stranger.post("/verify/check/", body, content_type="application/json")
        # An empty list is as good as no seal.
        assert answer.status_code in (200, 400)
        assert b"untouched" not in answer.content

    @pytest.mark.parametrize("numbers", [["x"], [None, {}, 5], ["0" * 64], ["\x00"], [str(10**400)]])
    def test_numbers_of_nonsense(self, db, stranger, numbers):
        assert b'data-verdict="unknown"' in asked(stranger, b"x", numbers=numbers).content

    @pytest.mark.parametrize(
        "forged", [{"clip": 1}, {"clip": {}}, {"key": [], "signature": 5}, {"clip": "x" * 9999}, {"content": 4}]
    )
    def test_seals_of_nonsense(self, db, stranger, forged):
        assert b'data-verdict="unknown"' in asked(stranger, b"x", seal=forged).content

    def test_letters_that_no_encoding_knows(self, clip, stranger):
        forged = {**clip.manifest, "camera": "\ud800"}
        assert b"untouched" not in asked(stranger, b"x", seal=forged).content

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            ("multipart/form-data; boundary=x", b"not a form"),
            ("multipart/form-data", b""),
            ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\nx"),
            ("application/x-www-form-urlencoded", b"file=x"),
            ("text/plain", b"x"),
        ],
    )
    def test_forms_of_nonsense(self, db, stranger, content_type, body):
        answer = stranger.post("/verify/file/", body, content_type=content_type)
        assert answer.status_code == 400

    def test_no_file_chosen(self, db, stranger):
        body = b'--x\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\r\n--x--\r\n'
        answer = stranger.post("/verify/file/", body, content_type="multipart/form-data; boundary=x")
        assert answer.status_code == 400 and b"Choose a file first" in answer.content

    def test_too_large_is_refused_before_it_is_read(self, db, stranger):
        length = str(verification.LARGEST_UPLOAD + 1)
        form = "multipart/form-data; boundary=x"
        answer = stranger.generic("POST", "/verify/file/", b"", form, CONTENT_LENGTH=length)
        assert answer.status_code == 400 and b"too large" in answer.content

    def test_nothing_of_a_file_is_kept(self, clip, stranger, tmp_path, settings):
        settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "nowhere"
        assert b"untouched" in sent(stranger, clip.file.read_bytes()).content


def test_keys_are_published_old_ones_too_and_check_a_signature(clip, stranger):
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    signing.rotate()
    keys = {key["kid"]: key for key in stranger.get("/verify/keys.json").json()["keys"]}
    assert len(keys) == 2
    key = keys[clip.manifest["key"]]
    assert key["until"] is not None and (key["kty"], key["crv"]) == ("OKP", "Ed25519")
    signature = base64.b64decode(clip.manifest["signature"])
    load_pem_public_key(key["pem"].encode()).verify(signature, signing.canonical(clip.manifest))
    assert "PRIVATE" not in json.dumps(keys)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_page_needs_no_account(db, language):
    answer = Client(headers={"accept-language": language}).get("/verify/")
    assert answer.status_code == 200 and f'lang="{language}"' in answer.content.decode()
