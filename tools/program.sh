# shellcheck shell=sh
# Sourced in the root of the checkout. `program WHO PACKAGE PATH` prints where a program is: in PATH, else in the
# distribution's package, which is unpacked in build/packages and not installed: nobody wants what comes with it started.

program() {
    found=$(command -v "${3##*/}" || true)
    if [ -z "$found" ]; then
        found=$PWD/build/packages/$2/$3
        [ -x "$found" ] || unpack "$1" "$2" || true
    fi
    if [ ! -x "$found" ]; then
        printf '%s: %s is needed, and could not be had: install it, for example: sudo apt-get install %s\n' \
            "$1" "${3##*/}" "$2" >&2
        return 1
    fi
    printf '%s\n' "$found"
}

unpack() {
    printf '%s: unpacking the package %s\n' "$1" "$2" >&2
    rm -rf "build/packages/$2"
    mkdir -p "build/packages/$2"
    (
        # Another stage may be installing something, and apt refuses to do two things at once.
        flock 9
        cd "build/packages/$2"
        [ "$(id -u)" != 0 ] || apt-get update -qq || true
        apt-get download -qq "$2" && dpkg-deb --extract ./*.deb . && rm ./*.deb
    ) >&2 </dev/null 9>build/packages.lock
}
