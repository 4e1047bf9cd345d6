#!/bin/sh
# Install Citywall from this bundle, without a network: ./install.sh [PREFIX] (default /opt/citywall).
# PYTHON names the interpreter, where python3 is not one that the bundle is for.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
prefix=${1:-/opt/citywall}

fail() {
    echo "install: $*" >&2
    exit 1
}

# First of all: nothing of a bundle that was damaged or changed is run.
cd "$here"
command -v sha256sum >/dev/null || fail "sha256sum (coreutils) is needed"
sha256sum --check --strict --quiet SHA256SUMS || fail "the bundle is damaged: fetch it again"
find . -type f ! -name SHA256SUMS | while read -r file; do
    sed 's/^[0-9a-f]*  //' SHA256SUMS | grep -qxF "${file#./}" || fail "$file does not belong to the bundle"
done

machine=$(sed -n 's/^machine=//p' TARGET)
pythons=$(sed -n 's/^pythons=//p' TARGET)
[ "$(uname -m)" = "$machine" ] || fail "this bundle is for $machine, this machine is $(uname -m)"
python=
for candidate in ${PYTHON:-python3 $(for v in $pythons; do echo "python$v"; done)}; do
    version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    case " $pythons " in *" $version "*) python=$candidate && break ;; esac
done
[ -n "$python" ] || fail "Python $pythons is needed: name it with PYTHON=/path/to/python"

# What is there is replaced, so it must be an earlier installation and nothing else.
if [ -e "$prefix" ] && [ ! -x "$prefix/bin/citywall" ] && [ -n "$(ls -A "$prefix")" ]; then
    fail "$prefix is not empty and holds no Citywall: name another folder"
fi

# Debian's Python has no ensurepip unless python3-venv is installed; the bundle's own pip needs neither.
"$python" -m venv --without-pip --clear "$prefix"
pip=$(ls wheels/pip-*.whl)
"$prefix/bin/python" "$here/$pip/pip" install --quiet --no-index --find-links "$here/wheels" \
    --no-cache-dir --disable-pip-version-check --requirement requirements.txt
"$prefix/bin/python" -m pip check --quiet || fail "the packages do not fit together"
"$prefix/bin/citywall" --version
