import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from daejeon_soc.up import processes, running
from daejeon_soc.up.steps import NotUp
from tests.waiting import until

# A parent that starts a child and says who it is; neither ends by itself.
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
child.wait()
"""


def start(*words: str, mark: str = "") -> subprocess.Popen:
    environment = os.environ | ({processes.MARK: mark} if mark else {})
    return subprocess.Popen([sys.executable, *words], env=environment, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def family(tmp_path):
    """(parent, its child's pid), both carrying the mark of the city in `tmp_path`."""
    parent = start("-c", PARENT, mark=str(tmp_path))
    child = int(parent.stdout.readline())
    # A program that has just been started has no environment yet.
    until(lambda: processes.marked(str(tmp_path)) == {parent.pid, child})
    yield parent, child
    parent.kill()
    parent.wait()
    parent.stdout.close()
    processes.tell([child], signal.SIGKILL)


def is_running(pid: int) -> bool:
    return processes.parent_of(pid) is not None


def test_the_mark_names_a_citys_processes_and_no_others(family, tmp_path):
    parent, child = family
    assert processes.marked(str(tmp_path)) == {parent.pid, child}
    assert processes.marked(f"{tmp_path}/other") == set()


def test_a_name_with_brackets_and_spaces_does_not_hide_the_parent(tmp_path):
    program = tmp_path / "odd) S 1 (name"
    program.symlink_to("/bin/sleep")
    odd = subprocess.Popen([program, "60"])
    assert processes.parent_of(odd.pid) == os.getpid()
    odd.kill()
    odd.wait()


def test_descendants_are_found_at_any_depth(family):
    parent, child = family
    assert {parent.pid, child} <= processes.descendants_of(os.getpid())
    assert processes.descendants_of(parent.pid) == {child}


@pytest.mark.slow
def test_leftovers_of_a_killed_run_are_ended(family, tmp_path):
    parent, child = family
    parent.kill()
    parent.wait()
    assert is_running(child)
    assert running.end_leftovers(tmp_path) == 1
    assert not is_running(child)


@pytest.mark.slow
def test_one_that_will_not_stop_is_ended_all_the_same(tmp_path):
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    with start("-c", deaf, mark=str(tmp_path)) as stubborn:
        stubborn.stdout.readline()
        processes.end_all(lambda: processes.marked(str(tmp_path)), patience=0.2)
        assert not is_running(stubborn.pid)


def has_asked(words: bytes) -> bool:
    """A program that is just being started has no words at all."""
    return bool(words) and b"setpriv" not in words


@pytest.mark.slow
def test_a_process_is_told_when_its_parent_is_killed():
    told = processes.told_when_parent_dies([sys.executable, "-c", "import time; time.sleep(60)"])
    parent = start("-c", f"import subprocess; p = subprocess.Popen({told!r}); print(p.pid, flush=True); p.wait()")
    child = int(parent.stdout.readline())
    until(lambda: has_asked(Path(f"/proc/{child}/cmdline").read_bytes()), "it has asked to be told")
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not is_running(child), within=20)


def test_a_second_runner_is_refused_and_told_who_runs(tmp_path):
    with running.sole_runner(tmp_path), pytest.raises(NotUp, match=str(os.getpid())), running.sole_runner(tmp_path):
        pass
    with running.sole_runner(tmp_path):
        assert (tmp_path / "run" / "lock").read_text() == str(os.getpid())
