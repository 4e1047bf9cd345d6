"""`python -m console`: the `citywall` command without its installed entry point."""

from console.cli import main

if __name__ == "__main__":
    main()
