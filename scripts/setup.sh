# shellcheck shell=bash
# Installs what building and running Streamliner needs and this machine lacks, saying each thing and why.
# Sourced by demo.sh and test.sh. Where all is there, it does nothing.
#
# No libclang: .cargo/config.toml has whisper-rs use its ready-made bindings. No fonts: they are in the repository.

missing_packages=()

# need COMMAND APT_PACKAGE BREW_PACKAGE REASON
need() {
    command -v "$1" >/dev/null 2>&1 && return
    local package=$2
    [[ $(uname -s) == Darwin ]] && package=$3
    echo "setup: installing $package: $4" >&2
    missing_packages+=("$package")
}

as_root() {
    if [[ $(id -u) -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        echo "setup: this needs root, and sudo is not here; run as root: $*" >&2
        return 1
    fi
}

install_missing() {
    ((${#missing_packages[@]} == 0)) && return
    if command -v apt-get >/dev/null 2>&1; then
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing_packages[@]}"
    elif command -v brew >/dev/null 2>&1; then
        brew install "${missing_packages[@]}"
    else
        echo "setup: neither apt-get nor brew is here; please install by hand: ${missing_packages[*]}" >&2
        return 1
    fi
}

need ffmpeg ffmpeg ffmpeg "decodes, cuts and encodes media"
need ffprobe ffmpeg ffmpeg "tells what is in a media file"
need cmake cmake cmake "builds whisper.cpp"
need cc build-essential gcc "compiles whisper.cpp and SQLite"
need c++ build-essential gcc "compiles whisper.cpp"
need make build-essential make "builds whisper.cpp"
install_missing

if ! command -v cargo >/dev/null 2>&1; then
    echo "setup: Rust is not here; see https://rustup.rs (rust-toolchain.toml names the version)" >&2
    exit 1
fi
