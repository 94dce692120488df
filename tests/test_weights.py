"""The folder of weights: what is taken in, what is refused, and what happens without a network."""

import hashlib
import io
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from command import benchmark
from conftest import PLUGIN

from benchmark.cli import options
from benchmark.cli import weights as cli
from benchmark.registry import Registry
from benchmark.types import UserError
from benchmark.weights import bring, cache
from benchmark.weights import fetch as fetching
from benchmark.weights.cache import State, add, path_of
from benchmark.weights.catalogue import FILES, Edition, WeightsFile, known_sha256, needed_by
from benchmark.weights.fetch import fetch

CONTENT = bytes(range(256)) * 5000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def record(url="", **facts):
    facts = {"editions": (Edition(DIGEST, len(CONTENT)),), "licence": "MIT", "folder": "hub/pyiqa"} | facts
    return WeightsFile("net.pth", ("net",), url=url, **facts)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path / "weights"))
    monkeypatch.setattr(fetching, "_dead", {})
    monkeypatch.delenv(fetching.OFFLINE, raising=False)
    return tmp_path / "weights"


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def outcomes(*paths, files=None):
    return [(item.path.name, item.outcome) for item in add(paths, files=files or [record()])]


def test_the_folder_is_the_harnesss_own_and_never_torchs(monkeypatch, tmp_path):
    assert cache.folder() == tmp_path / "weights"
    monkeypatch.delenv(cache.ENVIRONMENT)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.folder().name == "weights"
    assert "torch" not in str(cache.folder().relative_to(tmp_path))


def test_a_file_is_known_by_its_content_whatever_its_name(tmp_path, own_folder):
    (tmp_path / "some" / "where").mkdir(parents=True)
    (tmp_path / "some" / "where" / "download (1)").write_bytes(CONTENT)
    assert outcomes(tmp_path / "some") == [("download (1)", "taken")]
    assert files_below(own_folder) == ["hub/pyiqa/net.pth"]
    assert path_of(record()).read_bytes() == CONTENT
    assert cache.state(record()) is State.HERE
    assert cache.missing([record()]) is None
    assert outcomes(tmp_path / "some") == [("download (1)", "already here")]


def test_a_damaged_file_is_refused_with_both_hashes(tmp_path, own_folder):
    (tmp_path / "net.pth").write_bytes(CONTENT[:-1] + b"x")
    (item,) = add([tmp_path / "net.pth"], files=[record()])
    assert item.outcome == "damaged"
    assert DIGEST in item.reason
    assert hashlib.sha256(CONTENT[:-1] + b"x").hexdigest() in item.reason
    assert not own_folder.exists()


def test_a_cut_file_is_refused(tmp_path, own_folder):
    (tmp_path / "net.pth").write_bytes(CONTENT[:1000])
    assert outcomes(tmp_path / "net.pth") == [("net.pth", "damaged")]
    assert not own_folder.exists()


def test_unknown_files_are_left_alone(tmp_path, own_folder):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "NOTE.md").write_text("hello")
    (tmp_path / "a" / "same size").write_bytes(bytes(len(CONTENT)))
    assert outcomes(tmp_path / "a") == [("NOTE.md", "unknown"), ("same size", "unknown")]
    assert not own_folder.exists()


def test_a_pickle_is_copied_without_being_opened(tmp_path):
    import pickle

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    content = pickle.dumps(Bomb())
    (tmp_path / "net.pth").write_bytes(content)
    bomb = record(editions=(Edition(hashlib.sha256(content).hexdigest(), len(content)),))
    assert outcomes(tmp_path / "net.pth", files=[bomb]) == [("net.pth", "taken")]
    assert not (tmp_path / "exploded").exists()


def test_a_file_that_nobody_has_seen_goes_by_its_name_and_says_so(tmp_path):
    unseen = record(editions=(Edition("", 0),))
    (tmp_path / "net.pth").write_bytes(b"anything")
    (tmp_path / "other.pth").write_bytes(b"anything")
    taken, other = add([tmp_path / "net.pth", tmp_path / "other.pth"], files=[unseen])
    assert (taken.outcome, other.outcome) == ("taken", "unknown")
    assert "nobody here knows its sha256" in taken.reason
    assert cache.state(unseen) is State.UNVERIFIED


def test_any_edition_serves(tmp_path):
    small = b"features alone"
    both = record(
        editions=(Edition(DIGEST, len(CONTENT)), Edition(hashlib.sha256(small).hexdigest(), len(small))),
    )
    (tmp_path / "small.bin").write_bytes(small)
    assert outcomes(tmp_path / "small.bin", files=[both]) == [("small.bin", "taken")]
    assert cache.state(both) is State.HERE


def test_a_copy_that_stops_half_way_leaves_nothing(tmp_path, own_folder, monkeypatch):
    (tmp_path / "net.pth").write_bytes(CONTENT)

    def broken(path):
        yield CONTENT[:1000]
        raise UserError("the disk was pulled out")

    chunks = cache.read_chunks
    monkeypatch.setattr(cache, "sha256_of", lambda path: DIGEST)
    monkeypatch.setattr(cache, "read_chunks", broken)
    with pytest.raises(UserError, match="pulled out"):
        outcomes(tmp_path / "net.pth")
    assert files_below(own_folder) == []
    monkeypatch.setattr(cache, "read_chunks", chunks)
    assert outcomes(tmp_path / "net.pth") == [("net.pth", "taken")]


def test_a_file_that_changes_between_hashing_and_copying_is_not_taken(tmp_path, own_folder, monkeypatch):
    (tmp_path / "net.pth").write_bytes(CONTENT[::-1])
    monkeypatch.setattr(cache, "sha256_of", lambda path: DIGEST)
    with pytest.raises(UserError, match="expected sha256"):
        outcomes(tmp_path / "net.pth")
    assert files_below(own_folder) == []


def test_a_file_damaged_in_the_cache_is_found_and_replaced(tmp_path):
    (tmp_path / "net.pth").write_bytes(CONTENT)
    outcomes(tmp_path / "net.pth")
    path_of(record()).write_bytes(CONTENT[:-1] + b"x")
    assert cache.state(record()) is State.DAMAGED
    assert outcomes(tmp_path / "net.pth") == [("net.pth", "taken")]
    assert cache.state(record()) is State.HERE


def test_a_cache_that_cannot_be_written_is_a_user_error(tmp_path, monkeypatch):
    (tmp_path / "net.pth").write_bytes(CONTENT)
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path / "file" / "weights"))
    with pytest.raises(UserError, match="IQA_WEIGHTS"):
        outcomes(tmp_path / "net.pth")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_cache_is_a_user_error(tmp_path, own_folder):
    (tmp_path / "net.pth").write_bytes(CONTENT)
    own_folder.mkdir()
    own_folder.chmod(0o500)
    with pytest.raises(UserError, match=r"cannot be written.*IQA_WEIGHTS"):
        outcomes(tmp_path / "net.pth")


def test_two_at_once_leave_one_whole_file(tmp_path, own_folder):
    (tmp_path / "net.pth").write_bytes(CONTENT)
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2]); import test_weights as t; "
        "print(list(t.add([Path(sys.argv[1])], files=[t.record()]))[0].outcome)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "net.pth"), os.path.dirname(__file__)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert {process.communicate()[0].strip() for process in running} <= {"taken", "already here"}
    assert files_below(own_folder) == ["hub/pyiqa/net.pth"]
    assert cache.state(record()) is State.HERE


def test_what_a_killed_add_left_goes_with_the_next_command_about_weights(tmp_path, own_folder):
    code = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[1]); import test_weights as t; "
        "parts = iter([t.CONTENT[:1000]]); "
        "chunks = (next(parts, None) or os.kill(os.getpid(), signal.SIGKILL) for _ in range(9)); "
        "t.cache.write_verified(t.record(folder='hub/checkpoints'), chunks, [])"
    )
    done = subprocess.run([sys.executable, "-c", code, os.path.dirname(__file__)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(files_below(own_folder)) == 1
    assert benchmark("weights", "list").returncode == 0
    assert files_below(own_folder) == []


def test_what_is_missing_is_said_with_the_commands_that_bring_it():
    assert cache.missing([record("https://host/net.pth")]) == (
        "net.pth (1.3 MB): `python -m benchmark weights fetch net`, or `python -m benchmark weights add net.pth`"
    )
    assert cache.missing([record()]) == "net.pth (1.3 MB): `python -m benchmark weights add net.pth`"
    with pytest.raises(UserError, match=r"^net: needs net\.pth"):
        cache.require("net", [record()])


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_a_dead_network_is_one_line_at_once_and_asked_once_only(own_folder, monkeypatch):
    file = record(f"http://127.0.0.1:{closed_port()}/net.pth")
    monkeypatch.setattr(fetching, "FILES", (file,))
    with pytest.raises(UserError) as caught:
        fetch(file)
    message = str(caught.value)
    assert "\n" not in message
    assert "weights add net.pth" in message
    assert str(path_of(file)) in message

    def never(url):
        raise AssertionError("asked a second time")

    monkeypatch.setattr(fetching, "_open", never)
    with pytest.raises(UserError, match="cannot be fetched"):
        fetch(file)
    assert files_below(own_folder) == [] if own_folder.exists() else True


def test_a_host_that_takes_connections_and_says_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(fetching, "CONNECT_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(UserError, match=r"no answer within 0\.2 s"):
            fetch(record(f"http://127.0.0.1:{silent.getsockname()[1]}/net.pth"))


@pytest.fixture
def server():
    """Serve the paths of a dictionary; a value (claimed length, bytes, perhaps type) may cut itself short."""
    bodies = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path not in bodies:
                self.send_error(404)
                return
            length, body, *kind = bodies[self.path]
            self.send_response(200)
            if kind:
                self.send_header("Content-Type", kind[0])
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}", bodies
        http.shutdown()


def test_a_fetch_shows_progress_and_verifies(server):
    address, bodies = server
    bodies["/net.pth"] = len(CONTENT), CONTENT
    seen = []
    fetch(record(f"{address}/net.pth"), lambda *report: seen.append(report))
    assert cache.state(record()) is State.HERE
    assert seen[-1] == (len(CONTENT), len(CONTENT), "net.pth")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((len(CONTENT), CONTENT[:-1] + b"x"), "expected sha256"),
        ((len(CONTENT), CONTENT[:1000]), "connection"),
        (None, "404"),
    ],
)
def test_a_wrong_cut_or_absent_answer_leaves_nothing(server, own_folder, answer, message):
    address, bodies = server
    if answer:
        bodies["/net.pth"] = answer
    with pytest.raises(UserError, match=message):
        fetch(record(f"{address}/net.pth"))
    assert not own_folder.exists() or files_below(own_folder) == []


def test_a_login_page_is_not_taken_for_a_file_that_nobody_has_seen(server, own_folder):
    address, bodies = server
    bodies["/net.pth"] = 4, b"<htm", "text/html; charset=utf-8"
    with pytest.raises(UserError, match="sent a web page in its place"):
        fetch(record(f"{address}/net.pth", editions=(Edition("", 0),)))
    assert not own_folder.exists() or files_below(own_folder) == []


def test_a_page_without_its_type_is_not_taken_either(server, own_folder):
    address, bodies = server
    bodies["/net.pth"] = 40, b"\n<!DOCTYPE html><html>please log in</html>", "application/octet-stream"
    with pytest.raises(UserError, match="does not begin as a file of that name"):
        fetch(record(f"{address}/net.pth", editions=(Edition("", 0),)))
    assert files_below(own_folder) == [] if own_folder.exists() else True


def zipped(content=CONTENT):
    """A file as torch writes them: a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("data.pkl", content)
    return out.getvalue()


def test_a_file_of_unknown_sha256_is_taken_whole_and_not_verified(server):
    address, bodies = server
    body = zipped()
    bodies["/net.pth"] = len(body), body
    unseen = record(f"{address}/net.pth", editions=(Edition("", 0),))
    fetch(unseen)
    assert cache.state(unseen) is State.UNVERIFIED
    assert cli._status(replace(unseen, editions=(Edition("", 0),))) == "here, not verified"


def test_a_file_of_unknown_sha256_that_was_cut_at_its_source_is_refused(server, own_folder):
    address, bodies = server
    body = zipped()[:-30]
    bodies["/net.pth"] = len(body), body
    with pytest.raises(UserError, match="lacks its end"):
        fetch(record(f"{address}/net.pth", editions=(Edition("", 0),)))
    assert files_below(own_folder) == [] if own_folder.exists() else True


@pytest.mark.parametrize("right", [True, False])
def test_a_name_that_carries_the_first_digits_of_a_sha256_is_held_to_them(server, own_folder, right):
    address, bodies = server
    body = zipped()
    digits = hashlib.sha256(body).hexdigest()[:8]
    bodies["/net.pth"] = len(body), body
    named = replace(record(f"{address}/net.pth", editions=(Edition("", 0),)), name=f"net-{digits}.pth")
    if right:
        fetch(named)
        assert cache.state(named) is State.HERE
        path_of(named).write_bytes(zipped(b"other numbers"))
        assert cache.state(named) is State.DAMAGED
    else:
        bodies["/net.pth"] = len(zipped(CONTENT[::-1])), zipped(CONTENT[::-1])
        with pytest.raises(UserError, match=f"expected sha256 {digits}..., as the name says"):
            fetch(named)
        assert files_below(own_folder) == [] if own_folder.exists() else True


@pytest.fixture
def raw_server():
    """A function that serves a head and then parts of a body, each when the one before was sent, for ever if asked."""
    stops = []

    def serve(head, parts):
        listener = socket.create_server(("127.0.0.1", 0))
        stop = threading.Event()

        def answer():
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(65536)
                connection.sendall(head)
                for part in parts:
                    if stop.is_set():
                        return
                    connection.sendall(part)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        stops.append((stop, thread, listener))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/net.pth"

    yield serve
    for stop, thread, listener in stops:
        stop.set()
        thread.join()
        listener.close()


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("said", [b"abc", b"-5", b"1e3", b"+7", b"\xb2", b""])
def test_a_length_that_is_none_is_refused(raw_server, own_folder, said):
    url = raw_server(OK + b"Content-Length: " + said + b"\r\n\r\n", [CONTENT])
    with pytest.raises(UserError, match="says that the file has"):
        fetch(record(url))
    assert not own_folder.exists()


def test_another_length_than_the_files_is_refused_before_it_comes(raw_server, own_folder):
    url = raw_server(OK + b"Content-Length: 5\r\n\r\n", [b"short"])
    with pytest.raises(UserError, match=f"has 5 bytes; expected {len(CONTENT):,}"):
        fetch(record(url))
    assert not own_folder.exists()


def test_an_endless_body_ends_at_the_size_that_is_known(raw_server, own_folder):
    url = raw_server(OK + b"\r\n", itertools.repeat(bytes(100_000)))
    with pytest.raises(UserError, match=f"more than the {len(CONTENT):,} bytes"):
        fetch(record(url))
    assert files_below(own_folder) == []


def test_a_body_of_unknown_length_and_sha256_is_refused(raw_server, own_folder):
    url = raw_server(OK + b"\r\n", [zipped()])
    with pytest.raises(UserError, match="does not say how long"):
        fetch(record(url, editions=(Edition("", 0),)))
    assert not own_folder.exists()


def test_a_body_that_trickles_is_given_up(raw_server, own_folder, monkeypatch):
    """The clock of the fetch jumps on a second with each look, as if one byte a second came."""
    clock = itertools.count()
    monkeypatch.setattr(fetching.time, "monotonic", lambda: float(next(clock)))
    url = raw_server(OK + b"Content-Length: %d\r\n\r\n" % len(CONTENT), trickle())
    with pytest.raises(UserError, match=r"only \d+ bytes came in \d+ s"):
        fetch(record(url))
    assert files_below(own_folder) == []


def trickle():
    for byte in CONTENT:
        time.sleep(0.01)
        yield bytes([byte])


@pytest.mark.parametrize("url", ["http://[::1", "net.pth", "http://", "//[x]/y"])
def test_an_address_that_is_none_is_a_user_error(url):
    with pytest.raises(UserError, match="is no address of a file"):
        fetch(record(url))
    with pytest.raises(UserError, match="is no address of a file"):
        fetching.answers(url)


@pytest.mark.parametrize("file", [file for file in FILES if not file.embedded], ids=lambda file: file.name)
def test_a_file_of_the_right_name_and_size_with_other_numbers_is_refused_when_it_is_read(file):
    """Whatever is known of the file: its sha256, or the first digits in its name."""
    path = path_of(file)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"other numbers")
    if not file.expected:
        cache.check(path)
        assert cli._status(file) == "here, not verified"
        return
    with pytest.raises(UserError, match=f"{file.name} does not hold what its name says: expected sha256"):
        cache.check(path)


def test_a_file_that_changes_while_the_program_runs_is_checked_again(tmp_path, own_folder):
    digest = hashlib.sha256(b"right").hexdigest()[:8]
    path = own_folder / f"net-{digest}.pth"
    own_folder.mkdir()
    path.write_bytes(b"right")
    cache.check(path)
    os.replace(shutil.copy(path, tmp_path), path)
    cache.check(path)
    (tmp_path / "x").write_bytes(b"wrong")
    os.replace(tmp_path / "x", path)
    with pytest.raises(UserError, match="as the name says"):
        cache.check(path)


def test_the_identity_of_a_metric_holds_its_weights_where_all_are_known():
    assert known_sha256("pyiqa:dists") == (
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"
        "+f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218"
    )
    assert known_sha256("st-lpips") == ""
    assert known_sha256("pyiqa:musiq") == ""


class Net:
    """A metric that lacks a file of weights as long as it is not here, and perhaps a package."""

    def __init__(self, name, file, package=""):
        self.name, self.file, self.package = name, file, package

    def missing(self):
        return self.package or cache.missing([self.file])


@pytest.fixture
def lacking(monkeypatch):
    """A function that makes metrics of files, known to the command line as those that need them."""

    def make(*nets):
        registry = Registry()
        registry.metrics |= {net.name: net for net in nets}
        monkeypatch.setattr(bring, "needed_by", lambda name: tuple(net.file for net in nets if net.name == name))
        return registry

    return make


def test_a_run_fetches_what_its_metrics_lack_and_each_file_once(server, lacking, capfd):
    address, bodies = server
    bodies["/net.pth"] = len(CONTENT), CONTENT
    file = record(f"{address}/net.pth")
    registry = lacking(Net("net", file), Net("wide", file))
    bring.bring_lacking(registry, ["psnr", "net", "wide"], quiet=False)
    assert cache.state(file) is State.HERE
    assert capfd.readouterr().err == f"fetching net.pth (1.3 MB) from {address.removeprefix('http://')}\n"
    bodies.clear()
    bring.bring_lacking(registry, ["net", "wide"], quiet=False)
    assert capfd.readouterr().err == ""


def test_what_cannot_be_had_is_one_line_per_file_and_the_others_are_fetched(server, lacking, capfd):
    address, bodies = server
    bodies["/net.pth"] = len(CONTENT), CONTENT
    dead = record(f"http://127.0.0.1:{closed_port()}/far.pth")
    dead = replace(dead, name="far.pth")
    registry = lacking(Net("far", dead), Net("net", record(f"{address}/net.pth")))
    bring.bring_lacking(registry, ["far", "net"], quiet=True)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("far.pth cannot be fetched (127.0.0.1")
    assert str(path_of(dead)) in line
    assert cache.state(record()) is State.HERE


def test_nothing_is_fetched_for_a_metric_that_lacks_a_package_or_a_file_without_an_address(lacking, own_folder, capfd):
    file = record("http://127.0.0.1:9/net.pth")
    bring.bring_lacking(
        lacking(Net("net", file, "the package pyiqa"), Net("own", record())), ["net", "own"], quiet=False
    )
    assert capfd.readouterr().err == ""
    assert not own_folder.exists()


def test_what_is_ready_needs_no_network(monkeypatch, capfd):
    monkeypatch.setattr(fetching, "_open", lambda url: pytest.fail("the network was asked"))
    registry = Registry()
    ready = options.metric_names("all-ready", registry)
    assert "psnr" in ready
    assert "lpips-squeeze" not in ready
    bring.bring_lacking(registry, ready, quiet=False)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("value", "forbidden"), [("1", True), ("", False), ("0", False)])
def test_one_variable_forbids_the_network(value, forbidden, monkeypatch, lacking, capfd):
    monkeypatch.setenv(fetching.OFFLINE, value)
    monkeypatch.setattr(fetching, "_alive", set())
    asked = []
    monkeypatch.setattr(fetching, "_open", lambda url: asked.append(url) or (_ for _ in ()).throw(OSError("no")))
    file = record("http://host/net.pth")
    assert fetching.answers("http://other") is False
    with pytest.raises(UserError, match=r"weights add net\.pth|copy it to"):
        fetch(file)
    bring.bring_lacking(lacking(Net("net", file)), ["net"], quiet=False)
    assert bool(asked) is not forbidden
    assert (capfd.readouterr().err == "") is forbidden


def test_a_run_without_network_or_terminal_asks_nothing_and_scores_the_rest(tmp_path, own_folder, toy):
    """The address of a proxy that is not there stands for a dead network."""
    nowhere = f"http://127.0.0.1:{closed_port()}"
    environment = {cache.ENVIRONMENT: str(own_folder), "https_proxy": nowhere, "HTTPS_PROXY": nowhere}
    command = ("run", "--plugin", PLUGIN, "--dataset", "toy", "--data-root", toy, "--results", tmp_path / "results")
    command += ("--workers", "1", "--metrics", "difference,dists,lpips-vgg", "--replicates", "100")
    done = benchmark(*command, environment=environment, stdin=subprocess.DEVNULL)
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("vgg16-397923af.pth cannot be fetched (download.pytorch.org") == 1
    assert "dists not run" in done.stderr
    assert "lpips-vgg not run" in done.stderr
    assert "24 scores made" in done.stderr
    done = benchmark(*command, "--no-fetch", environment=environment, stdin=subprocess.DEVNULL)
    assert done.returncode == 3
    assert "fetch" not in done.stderr.replace("weights fetch", "")
    assert "dists not run" in done.stderr
    assert not own_folder.exists()


def test_the_catalogue_is_complete_and_its_embedded_files_are_what_it_says():
    assert len({file.name for file in FILES}) == len(FILES)
    for file in FILES:
        assert file.metrics
        assert file.licence
        for edition in file.editions:
            assert len(edition.sha256) in (0, 64)
        if file.embedded:
            assert cache.state(file) is State.EMBEDDED
            assert path_of(file).stat().st_size == file.editions[0].size
        if file.url:
            assert file.url.endswith(file.name)
    assert [file.name for file in needed_by("lpips")] == ["lpips_alex_v0.1.safetensors"]


def test_the_real_files_are_taken_from_the_shared_folder(shared, own_folder):
    taken = {item.path.name for item in add([shared / "weights"]) if item.outcome == "taken"}
    assert {path.name for path in (shared / "weights").rglob("*.[pm]*t*")} - taken <= {"SHA256SUMS"}
    assert len(taken) == 8
    assert {cache.state(file) for file in FILES} <= {State.HERE, State.EMBEDDED, State.ABSENT}


def test_the_command_line_adds_lists_checks_and_finds_damage(tmp_path, own_folder, shared):
    folder = {cache.ENVIRONMENT: str(own_folder)}
    head = shared / "weights" / "lpips-heads"
    done = benchmark("weights", "add", head, environment=folder)
    assert done.returncode == 0, done.stderr
    assert "taken" in done.stdout
    assert "NOTE.md" in done.stderr
    assert "NOTE.md" not in done.stdout
    listed = benchmark("weights", "list", environment=folder)
    assert listed.returncode == 0, listed.stderr
    for file in FILES:
        assert file.name in listed.stdout, "whole, so that it can be copied"
        assert file.editions[0].sha256[:12] in listed.stdout
    assert str(own_folder) in listed.stderr
    (own_folder / "hub" / "pyiqa" / "LPIPS_v0.1_vgg-a78928a0.pth").write_bytes(b"x")
    checked = benchmark("weights", "check", environment=folder)
    assert checked.returncode == 3
    assert "damaged   LPIPS_v0.1_vgg-a78928a0.pth" in checked.stdout


@pytest.mark.parametrize("command", ["list", "check", "add", "fetch"])
def test_help_of_the_weights_commands_shows_an_example(command):
    done = benchmark("weights", command, "--help")
    assert done.returncode == 0
    assert f"python -m benchmark weights {command}" in done.stdout


def test_the_command_line_says_what_cannot_be_taken(tmp_path, own_folder):
    folder = {cache.ENVIRONMENT: str(own_folder)}
    (tmp_path / "vgg16-397923af.pth").write_bytes(b"not this")
    done = benchmark("weights", "add", tmp_path / "vgg16-397923af.pth", environment=folder)
    assert (done.returncode, done.stdout) == (3, "")
    assert "expected sha256" in done.stderr
    done = benchmark("weights", "add", tmp_path / "nowhere", environment=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no such file or folder" in done.stderr
    done = benchmark("weights", "fetch", "psnr", environment=folder)
    assert done.returncode == 2
    assert "no file of weights is known" in done.stderr
