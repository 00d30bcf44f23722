# The menu: `just` lists it. Everything here also works without just, by the command behind it.

_menu:
    @just --list --unsorted

# Serve on http://127.0.0.1:8080 with demo data and a private PostgreSQL
serve *options:
    scripts/serve {{ options }}

# Run every check, or only the tests that a filter selects
test *filter:
    scripts/test {{ filter }}

# Format all code
fmt:
    cargo fmt --all

# Lint all code, warnings denied
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Check the dependencies: licences, sources, layers, and that each is used
deny:
    scripts/deny

# Check the dependencies for known security holes too; fetches the advisory database
advisories:
    scripts/deny advisories

# Check ops/ and docker-compose.yml by promtool and Docker Compose, which are fetched where they are missing
check-ops:
    scripts/check-ops

# Thousands of made-up requests against the API, answers held against the OpenAPI document
test-api-fuzz *cases:
    scripts/test-api-fuzz {{ cases }}

# Messages through a real N8N with the workflows of integrations/n8n (downloads 3 GB the first time)
test-n8n *options:
    scripts/test-n8n {{ options }}

# Signatures against the Python library standardwebhooks, both ways
test-signatures:
    scripts/test-signatures

# Test the rules alone: no database, no network
test-domain:
    cargo test -p domain

# Build the documentation, warnings denied, and open it
doc:
    RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --open

# Ten minutes of kills, freezes, restarts and a hostile N8N, then every promise checked: `just chaos --seed 7 --seconds 60`
chaos *options:
    cargo build --release -p app -p chaos --bins
    target/release/chaos {{ options }}

# How long the pages take over 1,000,000 messages, and how much they send
page-speed *messages:
    scripts/page-speed {{ messages }}

# Speed against raw PostgreSQL in the same minutes: `just bench --quick`, `just bench --only pull50,callback`
bench *options:
    cargo build --release -p app -p bench --bins
    target/release/bench {{ options }}
