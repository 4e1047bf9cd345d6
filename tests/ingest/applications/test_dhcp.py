from __future__ import annotations


def test_the_example(said):
    found = said("dhcp")
    assert found.values("dhcp.hostname") == [b"host"]
    assert (found.integers("dhcp.type"), found.integers("dhcp.leasetime")) == ([3], [3600])


def test_an_option_that_is_cut_off_is_told(speak, examples):
    assert speak("dhcp", [(0, examples["dhcp"][0][0][1][:-8])], (68, 67), "udp").parser.anomalies
