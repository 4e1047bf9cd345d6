"""`citywall compile`: the kernels compiled once, so that the first run need not wait for them."""

from __future__ import annotations

import time

import click

from citywall import kernelcache
from console import compiling, terminal, units
from console.framework import Command, option
from console.options import looks
from console.terminal import Terminal


@click.command(cls=Command, name="compile")
@option("--quiet", "-q", key="compile_quiet", is_flag=True)
@looks
@click.pass_context
def command(context: click.Context, *, quiet: bool) -> None:
    """Compile every kernel by running a small scene through the stream, and all of Python's own code."""
    compiling.bytecode()
    ensure(terminal.of(context), quiet=quiet)


def ensure(look: Terminal, *, quiet: bool) -> None:
    """Compile every kernel, unless that was done, which is told where not `quiet`."""
    folder = kernelcache.base_folder() / "kernels"
    if kernelcache.whole():
        if not quiet:
            look.note(look.tr("compile.already", path=folder))
        return
    look.note(look.tr("compile.working"))
    began = time.monotonic()
    compiling.every_kernel()
    kernelcache.note_whole()
    look.note(look.tr("compile.done", time=units.duration(time.monotonic() - began), path=folder))
