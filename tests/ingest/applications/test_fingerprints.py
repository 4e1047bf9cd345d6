from __future__ import annotations

from ingest.applications.fingerprints import Hello, is_grease, ja3, ja3s, ja4, md5


def test_grease_stands_for_nothing():
    assert is_grease(0x0A0A)
    assert is_grease(0xFAFA)
    assert not is_grease(0x0A1A)
    hello = Hello(771, (0x0A0A, 4865), (0x1A1A, 0, 10), (0x2A2A, 29), (0,))
    assert ja3(hello) == b"771,4865,0-10,29,0"


def test_the_published_example_of_ja3():
    hello = Hello(
        769, (47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4), (0, 10, 11), (23, 24, 25), (0,)
    )
    assert ja3(hello) == b"769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0"
    assert md5(ja3(hello)) == b"ada70206e40642a3e4461f35503241d5"


def test_the_published_example_of_ja4():
    ciphers = "1301 1302 1303 c02b c02f c02c c030 cca9 cca8 c013 c014 009c 009d 002f 0035"
    extensions = "001b 0000 0033 0010 4469 0017 002d 000d 0005 0023 0012 002b ff01 000b 000a 0015"
    signatures = "0403 0804 0401 0503 0805 0501 0806 0601"
    codes = [tuple(int(c, 16) for c in text.split()) for text in (ciphers, extensions, signatures)]
    hello = Hello(771, codes[0], codes[1], (), (), codes[2], (0x0A0A, 0x0304), (b"h2",), named=True)
    assert ja4(hello) == b"t13d1516h2_8daaf6152771_e5627efa2ab1"


def test_ja3s():
    assert ja3s(771, 49199, (65281, 0)) == b"771,49199,65281-0"
