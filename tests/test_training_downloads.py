"""Downloads of models through the hub's real client, from a server that imitates the hub and its faults."""

import errno
import hashlib
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import trustme
from huggingface_hub import close_session, constants

from tests.hub_server import COMMIT, imitated_hub
from training.models import hub as hub_module
from training.models.downloads import get as get_module
from training.models.downloads import transfer
from training.models.downloads.get import get
from training.models.downloads.hub_cache import blob_path, partial_path, repository_folder
from training.models.downloads.importing import import_from
from training.models.downloads.local import discard, drop_folder, missing_needs, remove, status, where_to_copy
from training.models.downloads.progress import Progress, said
from training.models.downloads.sentences import LicenceNotAccepted, OutOfReach, Stopped
from training.models.errors import UserError

NAME = "ViT-B-32-256/datacomp_s34b_b86k"
REPOSITORY = "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K"
WEIGHTS = "open_clip_model.safetensors"
CONTENT = hashlib.sha256(b"weights").digest() * 20_000  # 640 kB that no compression and no luck shortens
ETAG = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer.Watcher, "wait", lambda self, seconds, why: (self.on_note(why), self.check()))
    monkeypatch.setattr(get_module, "REPORT_SECONDS", 0.0)
    with imitated_hub({REPOSITORY: {WEIGHTS: CONTENT}}, tmp_path) as hub:
        yield hub


def fetched() -> bytes:
    path = hub_module.cached_file(REPOSITORY, WEIGHTS)
    assert path is not None
    return path.read_bytes()


def test_a_model_is_fetched_checked_and_found_by_the_hubs_own_client_without_network(hub):
    from huggingface_hub import hf_hub_download

    reports: list[Progress] = []
    assert status(NAME).state == "absent" and missing_needs(NAME)
    found = get(NAME, on_progress=reports.append)
    assert found.state == "ready" and found.here >= len(CONTENT) and fetched() == CONTENT
    assert [report.done for report in reports] == sorted(report.done for report in reports)
    assert reports[-1].done == reports[-1].total == len(CONTENT) and "checking" in {r.note for r in reports}
    asked = len(hub.requests)
    assert Path(hf_hub_download(REPOSITORY, WEIGHTS, local_files_only=True)).read_bytes() == CONTENT
    assert get(NAME).state == "ready" and len(hub.requests) == asked  # nothing more to fetch
    assert not list(Path(repository_folder(REPOSITORY)).rglob("*.incomplete"))


def test_a_connection_that_drops_at_40_percent_goes_on_from_there(hub):
    hub.fault(WEIGHTS, "drop", times=2)
    assert get(NAME).state == "ready" and fetched() == CONTENT
    starts = [request.range for request in hub.asked("GET", WEIGHTS) if request.path.startswith("/storage")]
    assert starts[0] == "" and len(starts) == 3
    assert all(later.startswith("bytes=") and later != "bytes=0-" for later in starts[1:])


def test_a_hub_that_ignores_ranges_sends_the_whole_file_again(hub):
    hub.ranges = False
    hub.fault(WEIGHTS, "drop")
    assert get(NAME).state == "ready" and fetched() == CONTENT


@pytest.mark.parametrize("part", [CONTENT[:100_000], CONTENT], ids=["a part", "all, not yet checked"])
def test_another_process_goes_on_with_what_one_has_left(hub, part):
    path = partial_path(REPOSITORY, ETAG)
    path.parent.mkdir(parents=True)
    path.write_bytes(part)
    assert status(NAME).state == "partial" and status(NAME).here == len(part)
    get(NAME)
    bodies = [r for r in hub.asked("GET", WEIGHTS) if r.path.startswith("/storage")]
    assert fetched() == CONTENT and [r.range for r in bodies] == ([] if part == CONTENT else ["bytes=100000-"])


def test_a_killed_process_leaves_what_it_has_and_the_next_one_asks_for_the_rest(hub, tmp_path):
    hub.fault(WEIGHTS, "stall")
    script = f"""
from huggingface_hub import constants
constants.HF_HUB_CACHE = {str(tmp_path / "hub")!r}
from training.models.downloads.get import get
get({NAME!r})
"""
    process = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parent.parent)
    part = partial_path(REPOSITORY, ETAG)
    try:
        for _ in range(600):
            if part.is_file() and part.stat().st_size >= len(CONTENT) * 2 // 5:
                break
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    have = part.stat().st_size
    assert 0 < have < len(CONTENT)
    get(NAME)
    assert fetched() == CONTENT and hub.asked("GET", WEIGHTS)[-1].range == f"bytes={have}-"


def test_a_user_pauses_goes_on_and_cancels(hub):
    stop = threading.Event()

    def pause(progress: Progress) -> None:
        if progress.done:
            stop.set()

    with pytest.raises(Stopped, match="the next try goes on"):
        get(NAME, on_progress=pause, stop=stop)
    paused = status(NAME)
    assert paused.state == "partial" and 0 < paused.here < len(CONTENT)
    assert discard(NAME) == paused.here and status(NAME).state == "absent"
    assert get(NAME).state == "ready"


def test_content_with_another_checksum_is_deleted_and_said(hub):
    hub.fault(WEIGHTS, "wrong")
    with pytest.raises(UserError, match=r"came damaged .* and was deleted"):
        get(NAME)
    assert status(NAME).state == "absent" and not partial_path(REPOSITORY, ETAG).exists()
    assert get(NAME).state == "ready" and fetched() == CONTENT


@pytest.mark.parametrize(
    ("faults", "sentence"),
    [
        (["503"] * 9, r"problem of its own \(503\)"),
        (["429:5000"], r"too many requests \(429\).* HF_TOKEN"),
        (["403"], r"refuses access .* \(403\)"),
        (["404"], r"no such file .* \(404\)"),
        (["418"], "answers 418"),
        (["drop"] * 30, None),  # a few bytes more each time: it ends some day
    ],
)
def test_each_answer_of_the_hub_is_one_sentence_or_overcome(hub, faults, sentence):
    hub.faults[WEIGHTS] = list(faults)
    if sentence is None:
        assert get(NAME).state == "ready" and fetched() == CONTENT
        return
    with pytest.raises(UserError, match=sentence) as caught:
        get(NAME)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_a_busy_hub_is_waited_for_as_long_as_it_asks(hub, monkeypatch):
    waits = []
    monkeypatch.setattr(transfer.Watcher, "wait", lambda self, seconds, why: waits.append((seconds, why)))
    hub.fault(WEIGHTS, "429:7")
    hub.fault(f"HEAD {WEIGHTS}", "503", times=2)
    assert get(NAME).state == "ready"
    assert waits == [(1.0, "the hub is busy (503)"), (2.0, "the hub is busy (503)"), (7.0, "the hub is busy (429)")]


@pytest.fixture
def black_hole():
    """An address that neither takes nor refuses a connection: its queue is full, and nobody accepts."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        for one in waiting:
            one.close()


def test_without_network_the_answer_takes_no_three_seconds_and_names_the_files_to_copy(hub, monkeypatch, black_hole):
    monkeypatch.setenv("HF_ENDPOINT", black_hole)
    began = time.monotonic()
    with pytest.raises(OutOfReach, match=r"cannot be reached .*; offline, starter works") as caught:
        get(NAME)
    assert time.monotonic() - began < 10  # meant are three; the hub's client would take a minute
    assert WEIGHTS in "".join(caught.value.to_copy) and str(drop_folder(REPOSITORY)) in "".join(caught.value.to_copy)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(OutOfReach, match="HF_HUB_OFFLINE is set"):
        get(NAME)


def hanging(handler) -> None:
    handler.server.released.wait(20)


def page(status: int, **headers: str):
    return lambda handler: handler.empty(status, {"Content-Type": "text/html", **headers})


NO_HUB = {
    "a login page": (page(200), "is not a model hub; it may be a login page"),
    "a redirect to one": (page(302, Location="http://login.invalid/"), "is not a model hub"),
    "a page for those who must pay": (page(511), "is not a model hub"),
    "another server": (page(404), "is not a model hub; .* which HF_ENDPOINT names"),
    "a filter": (page(403), "is not a model hub"),
    "a proxy with a password": (page(407), r"asks for a user and a password \(407\)"),
    "one that hangs": (hanging, "does not answer within 2.5 s"),
    "one that speaks something else": (lambda handler: handler.wfile.write(b"220 mail\r\n"), "is not a model hub"),
    "one that hangs up": (lambda handler: None, "is not a model hub"),
}


@pytest.mark.parametrize("case", NO_HUB)
def test_what_is_no_hub_is_said_with_what_to_copy_and_nothing_waits(hub, monkeypatch, case):
    from tests.hub_server import Handler

    respond, sentence = NO_HUB[case]

    def answer(handler) -> None:
        respond(handler)
        handler.close_connection = True

    monkeypatch.setattr(Handler, "do_HEAD", answer)
    began = time.monotonic()
    with pytest.raises(OutOfReach, match=sentence) as caught:
        get(NAME)
    assert time.monotonic() - began < 10  # meant are three
    assert WEIGHTS in "".join(caught.value.to_copy)


ADDRESSES = {  # HF_ENDPOINT to why it is none, or nothing
    "{hub}/": "",
    " {hub} ": "",
    "{hub}/mirror/of/hf/": "",
    "http://me:s%20ecret@{bare}": "",
    "{bare}": "HF_ENDPOINT is '127.0.0.1:",
    "ftp://{bare}": "begins with https:// or http://",
    "http://": "begins with https:// or http://",
    "http://me:secret@hub:99999": "HF_ENDPOINT is 'http://hub:99999'",
    "http://me:secret@127.0.0.1:9": "no way to http://127.0.0.1:9: ",
    "http://no such host": "begins with https:// or http://",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_of_a_mirror_is_used_or_called_wrong_without_its_password(hub, monkeypatch, address):
    monkeypatch.setenv("HF_ENDPOINT", address.format(hub=hub.url, bare=hub.url.partition("//")[2]))
    hub.root = "/mirror/of/hf" if "mirror" in address else ""
    if not ADDRESSES[address]:
        assert get(NAME).state == "ready" and fetched() == CONTENT
        return
    with pytest.raises(OutOfReach, match=ADDRESSES[address]) as caught:
        get(NAME)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "token", ["hf_secret", "hf_secret ", "hf_secret\n", '"hf_secret"', "hf_sécret", "hf_sec ret", "hf_sec\x01ret"]
)
def test_a_token_is_in_no_sentence(hub, monkeypatch, token, caplog):
    hub.gated[REPOSITORY] = "hf_other"
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(UserError, match="token") as caught:
        get(NAME)
    assert "cret" not in f"{caught.value}{caplog.text}" and "sec" not in f"{caught.value}{caplog.text}"


def test_a_connection_lost_for_good_ends_within_seconds_and_keeps_what_came(hub, monkeypatch):
    hub.fault(WEIGHTS, "drop")
    monkeypatch.setattr(transfer.hub, "reachable", lambda: not hub.asked("GET", WEIGHTS))
    with pytest.raises(UserError, match=r"connection to .* was lost; .* the next try goes on"):
        get(NAME)
    assert status(NAME).state == "partial"


def test_a_gated_repository_says_what_to_do_and_opens_with_a_token(hub, monkeypatch):
    hub.gated[REPOSITORY] = "hf_good"
    with pytest.raises(UserError, match=r"is gated: accept its terms on .* set HF_TOKEN"):
        get(NAME)
    monkeypatch.setenv("HF_TOKEN", "hf_bad")
    with pytest.raises(UserError, match="with the account of your token"):
        get(NAME)
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    assert get(NAME).state == "ready"
    [body] = [r for r in hub.asked("GET", WEIGHTS) if r.path.startswith("/storage")]
    assert "authorization" not in body.headers  # a token is for the hub, not for its storage


def test_a_repository_or_a_file_that_does_not_exist_is_named(hub):
    with pytest.raises(UserError, match=r"no repository some/thing, or it is private, and HF_TOKEN is not set"):
        get("hf-hub:some/thing")
    hub.repositories["some/empty"] = {"README.md": b"hello"}
    with pytest.raises(UserError, match=r"some/empty has none of open_clip_model\.safetensors"):
        get("hf-hub:some/empty")


ODD_CONFIGURATIONS = {
    "text": (b"hello", "is no configuration of an open_clip model"),
    "empty": (b"", "is no configuration"),
    "a list": (b"[1]", "is no configuration"),
    "null": (b"null", "is no configuration"),
    "UTF-16": ("{}".encode("utf-16"), "is no configuration"),
    "a list inside": (b'{"model_cfg": {"text_cfg": [1]}}', "is no configuration"),
    "a tokenizer elsewhere": (
        b'{"model_cfg": {"text_cfg": {"hf_tokenizer_name": "../../x"}}}',
        "'../../x' is not the name of a repository",
    ),
    "a tokenizer here": (
        b'{"model_cfg": {"text_cfg": {"hf_tokenizer_name": "/etc/x"}}}',
        "'/etc/x' is not the name of a repository",
    ),
}


@pytest.mark.parametrize("case", ODD_CONFIGURATIONS)
def test_a_configuration_that_is_none_is_one_sentence_also_the_next_time(hub, case):
    config, sentence = ODD_CONFIGURATIONS[case]
    hub.repositories["some/thing"] = {WEIGHTS: CONTENT, "open_clip_config.json": config}
    for look in (get, status, get):
        with pytest.raises(UserError, match=sentence):
            look("hf-hub:some/thing")


def test_a_cache_that_cannot_be_made_is_said_with_its_place(hub, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
    with pytest.raises(UserError, match=r"cannot be written to .*: Not a directory; .* set HF_HOME"):
        get(NAME)


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": '"abc"', "X-Error-Code": "?"},
        {"ETag": '"../../../evil"', "X-Repo-Commit": "a" * 40},
        {"ETag": '"/evil"', "X-Repo-Commit": "a" * 40},
        {"ETag": '".."', "X-Repo-Commit": "a" * 40},
        {"ETag": '"abc"', "X-Repo-Commit": "../../evil"},
        {"ETag": '"a\\b"', "X-Repo-Commit": "a" * 40},
    ],
)
def test_what_is_no_hub_or_names_places_outside_the_cache_is_called_so(hub, monkeypatch, headers):
    from tests.hub_server import Handler

    monkeypatch.setattr(Handler, "do_HEAD", lambda self: self.empty(200, headers))
    with pytest.raises(UserError, match="does not answer as a model hub does"):
        get(NAME)


def test_a_full_disk_is_said_before_and_during_a_download(hub, monkeypatch):
    usage = shutil.disk_usage("/")
    with monkeypatch.context() as patch:
        patch.setattr(get_module.shutil, "disk_usage", lambda _: usage._replace(free=1_000))
        with pytest.raises(UserError, match=r"MB free, and 1 MB are to be fetched .* HF_HOME"):
            get(NAME)
    assert not hub.asked("GET", WEIGHTS)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "the file")

    monkeypatch.setattr(transfer.os, "fsync", full)
    with pytest.raises(UserError, match="The disk is full"):
        get(NAME)


def test_restricted_weights_are_fetched_only_once_their_licence_is_accepted(hub):
    name, repository = "MobileCLIP2-S0/dfndr2b", "timm/MobileCLIP2-S0-OpenCLIP"
    hub.repositories[repository] = {WEIGHTS: CONTENT}
    with pytest.raises(LicenceNotAccepted, match=r"does not allow commercial use .* --accept-licence") as caught:
        get(name)
    assert not hub.requests and caught.value.licence_url.startswith("https://")
    assert get(name, accept_licence=True).state == "ready" and get(name).state == "ready"


def test_a_tokenizer_and_a_text_tower_come_along_also_where_the_hub_has_renamed_them(hub):
    name, repository = (
        "xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k",
        ("laion/CLIP-ViT-B-32-xlm-roberta-base-laion5B-s13B-b90k"),
    )
    hub.repositories |= {
        repository: {"open_clip_pytorch_model.bin": CONTENT},
        "FacebookAI/xlm-roberta-base": {"config.json": b"{}", "tokenizer.json": b"{}", "tokenizer_config.json": b"{}"},
    }
    hub.aliases["xlm-roberta-base"] = "FacebookAI/xlm-roberta-base"
    found = get(name)
    assert found.state == "ready"
    assert {file.path for file in found.files if file.present} == {
        *("open_clip_pytorch_model.bin", "tokenizer.json", "tokenizer_config.json", "config.json")
    }
    assert hub_module.cached_file("xlm-roberta-base", "config.json").read_bytes() == b"{}"  # type: ignore[union-attr]


def test_files_of_another_machine_are_imported_checked_and_never_half(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    usb = tmp_path / "usb"
    usb.mkdir()
    with pytest.raises(UserError, match=r"lacks open_clip_model\.safetensors or .*; copy from https://huggingface"):
        import_from(NAME, usb)
    (usb / WEIGHTS).write_bytes(CONTENT)
    with pytest.raises(UserError, match="not a whole safetensors file"):
        import_from(NAME, usb)
    (usb / WEIGHTS).write_bytes(tiny_safetensors())
    with pytest.raises(UserError, match="it is another model's or not whole"):
        import_from(NAME, usb)
    assert status(NAME).state == "absent"
    own = "hf-hub:some/own"
    for place in (usb / "own", drop_folder("some/own")):
        place.mkdir(parents=True)
        (place / WEIGHTS).write_bytes(tiny_safetensors())
        (place / "open_clip_config.json").write_text('{"model_cfg": {"text_cfg": {}}}')
        found = import_from(own, usb) if place.parent == usb else get(own)
        assert found.state == "ready" and where_to_copy(own) == []
        remove(own)
    assert status(own).state == "absent"


def test_the_hubs_cache_of_another_machine_is_imported_by_its_checksums(hub, tmp_path, monkeypatch):
    other = "hf-hub:some/other"
    hub.repositories["some/other"] = {
        WEIGHTS: tiny_safetensors(),
        "open_clip_config.json": b'{"model_cfg": {"text_cfg": {}}}',
    }
    get(other)
    usb = tmp_path / "usb" / "hub"
    shutil.copytree(repository_folder("some/other").parent, usb, symlinks=True)
    remove(other)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    blob = next((usb / "models--some--other" / "blobs").glob("?" * 64))
    good = blob.read_bytes()
    blob.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(UserError, match="is damaged: its checksum"):
        import_from(other, usb.parent)
    blob.write_bytes(good)
    assert import_from(other, usb.parent).state == "ready"
    assert (repository_folder("some/other") / "refs/main").read_text() == COMMIT


def tiny_safetensors() -> bytes:
    import numpy as np
    from safetensors.numpy import save

    return save({"weight": np.arange(6.0)})


def test_removing_a_model_leaves_the_tokenizer_that_another_one_needs(hub):
    tokenizer = {"tokenizer.json": b"{}", "config.json": b"{}"}
    hub.repositories |= {"timm/ViT-B-16-SigLIP2": {WEIGHTS: CONTENT, **tokenizer}}
    get("ViT-B-16-SigLIP2/webli")
    get(NAME)
    assert remove(NAME) >= len(CONTENT) and status(NAME).state == "absent"
    assert status("ViT-B-16-SigLIP2/webli").state == "ready"
    assert not blob_path(REPOSITORY, ETAG).exists()
    with pytest.raises(UserError, match="is not a model of the hub"):
        remove("starter")
    with pytest.raises(UserError, match="is not on this machine"):
        remove(NAME)
    assert status("starter").state == "ready" and status("starter").files == ()


def test_a_proxy_of_the_environment_is_used(hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")  # only the proxy knows it
    monkeypatch.setenv("http_proxy", hub.url)
    monkeypatch.setenv("HTTP_PROXY", hub.url)
    monkeypatch.setenv("no_proxy", "")
    hub.storage = "http://storage.invalid"
    close_session()  # its client reads the environment when it is made
    assert get(NAME).state == "ready" and fetched() == CONTENT


def test_a_certificate_of_an_organisation_is_asked_for_and_then_trusted(hub, tmp_path, monkeypatch):
    """As behind a proxy that looks into TLS: the hub shows a certificate that only REQUESTS_CA_BUNDLE knows."""
    authority, certificate = trustme.CA(), tmp_path / "certificate.pem"
    authority.cert_pem.write_to_path(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with hub.secured(context):
        for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
            monkeypatch.setenv(variable, "")
        with pytest.raises(UserError, match=r"certificate of https://.* cannot be verified .* REQUESTS_CA_BUNDLE"):
            get(NAME)
        close_session()
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert get(NAME).state == "ready" and fetched() == CONTENT


def test_progress_is_said_in_bytes_rate_and_time_left():
    assert said(Progress("file", 240_000_000, 605_000_000, 12e6, 30.4)) == "240 of 605 MB, 12.0 MB/s, 30 s left"
    assert said(Progress("file", 240_000_000, None, 0.0, None)) == "240 MB, 0.0 MB/s"
    assert said(Progress("file", 0, 1, 0.0, None, "checking")) == "checking"
