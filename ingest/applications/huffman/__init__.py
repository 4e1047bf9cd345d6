"""The Huffman code of HPACK (RFC 7541, appendix B)."""
