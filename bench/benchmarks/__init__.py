"""The benchmarks, one file each; `bench.registry` lists them."""
