"""That it lets in whom it should is tested in `end_to_end/test_kafka_security`."""

import stat

from bench.services.secured_kafka import USER, SecuredKafka


def test_each_has_its_own_secrets(tmp_path):
    one, other = SecuredKafka(tmp_path / "1"), SecuredKafka(tmp_path / "2")
    assert one.password != other.password
    assert one.password in one.overrides["listener.name.sasl_ssl.plain.sasl.jaas.config"]
    assert f"name={USER}" in one._format_options()[1]
    assert len({one.url, one.users_url, one.certified_url}) == 3
    assert stat.S_IMODE((tmp_path / "1" / "tls" / "keystore.pem").stat().st_mode) == 0o600
