import ssl
import stat

from bench.services import certificates


def test_the_authority_vouches_for_the_server(tmp_path):
    made = certificates.make(tmp_path / "new")
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    context = ssl.create_default_context(cafile=made.authority)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(made.server, made.key)
    assert handshake(context, ours, "127.0.0.1")
    assert handshake(context, ours, "localhost")


def test_another_authority_does_not(tmp_path):
    made, other = certificates.make(tmp_path / "a"), certificates.make(tmp_path / "b")
    context = ssl.create_default_context(cafile=other.authority)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(made.server, made.key)
    assert not handshake(context, ours, "127.0.0.1")


def handshake(client_context, server_context, name):
    """Whether a handshake in memory succeeds."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    done = set()
    for _ in range(10):
        for side in (client, server):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return len(done) == 2


def test_it_vouches_for_a_client(tmp_path):
    made, other = certificates.make(tmp_path / "a"), certificates.make(tmp_path / "b")
    for known in (True, False):
        context = ssl.create_default_context(cafile=made.authority)
        context.load_cert_chain(made.client, made.client_key)
        ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ours.load_cert_chain(made.server, made.key)
        ours.verify_mode = ssl.CERT_REQUIRED
        ours.load_verify_locations((made if known else other).authority)
        assert handshake(context, ours, "127.0.0.1") is known
