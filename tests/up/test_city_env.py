import os
import socket
import stat

import pytest

from daejeon_soc.up import city_env, ports
from daejeon_soc.up.steps import NotUp


@pytest.fixture
def taken_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_with_a_listener_is_not_free(taken_port):
    assert not ports.is_free(taken_port)


def test_a_chosen_port_is_free_and_none_of_those_named():
    besides = set(ports.CHOICE) - {31_111, 31_112}
    assert ports.choose(besides=besides) in {31_111, 31_112}


def test_the_file_is_for_its_owner_alone(tmp_path):
    city_env.settle(tmp_path / "city.env", besides=set())
    assert stat.S_IMODE((tmp_path / "city.env").stat().st_mode) == 0o600


def test_secrets_and_ports_are_kept(tmp_path):
    first = city_env.settle(tmp_path / "city.env", besides=set())
    second = city_env.settle(tmp_path / "city.env", besides=set())
    assert first == second == city_env.read(tmp_path / "city.env")
    assert len({first[name] for name in city_env.SECRETS}) == len(city_env.SECRETS)
    assert all(len(first[name]) >= 40 for name in city_env.SECRETS)


def test_a_port_that_was_taken_meanwhile_is_chosen_anew_and_its_address_follows(tmp_path, taken_port):
    first = city_env.settle(tmp_path / "city.env", besides=set())
    city_env.write(tmp_path / "city.env", first | {"REDIS_PORT": str(taken_port)})
    second = city_env.settle(tmp_path / "city.env", besides=set())
    assert second["REDIS_PORT"] != str(taken_port)
    assert f":{second['REDIS_PORT']}/" in second["REDIS_URL"]
    assert second["SECRET_KEY"] == first["SECRET_KEY"]


def test_no_two_servers_share_a_port_nor_take_the_public_one(tmp_path):
    first = city_env.settle(tmp_path / "city.env", besides=set())
    same = first | dict.fromkeys(city_env.PORTS, first["WEB_PORT"])
    again = city_env.with_free_ports(same, besides={int(first["WEB_PORT"])})
    chosen = [again[name] for name in city_env.PORTS]
    assert len(set(chosen)) == len(chosen) and first["WEB_PORT"] not in chosen


def test_what_a_person_added_stays(tmp_path):
    file = tmp_path / "city.env"
    file.write_text("# a note\nCITY_PHONE=042-000-0000\nDEMO=False\n")
    values = city_env.settle(file, besides=set())
    assert (values["CITY_PHONE"], values["DEMO"]) == ("042-000-0000", "False")


@pytest.mark.parametrize("name", city_env.ADDRESSES)
def test_servers_of_ones_own_are_refused(name, monkeypatch):
    for other in city_env.ADDRESSES:
        monkeypatch.delenv(other, raising=False)
    city_env.refuse_foreign_addresses()
    monkeypatch.setenv(name, "somewhere")
    with pytest.raises(NotUp, match=name):
        city_env.refuse_foreign_addresses()


def test_the_shell_comes_before_dot_env(tmp_path, monkeypatch):
    monkeypatch.setenv("SOC_TRIAL_A", "shell")
    monkeypatch.delenv("SOC_TRIAL_B", raising=False)
    (tmp_path / ".env").write_text("SOC_TRIAL_A=file\nSOC_TRIAL_B=file\n")
    city_env.read_dot_env(tmp_path)
    assert (os.environ["SOC_TRIAL_A"], os.environ.pop("SOC_TRIAL_B")) == ("shell", "file")
