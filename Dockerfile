# syntax=docker/dockerfile:1
# The server, small and without rights: `docker build -t outbound .`
# Needs DATABASE_URL; there is no PostgreSQL inside. All settings: .env.example. Writes nothing but to /tmp.

# The version of rust-toolchain.toml.
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package app \
    && install -D target/release/outbound /out/outbound

FROM debian:bookworm-slim
# The certificates that N8N, identity providers and collectors are checked against: the newest there are.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/outbound /usr/local/bin/outbound
# Nobody: it owns no file, and so can change none.
USER 10001:10001
WORKDIR /tmp
ENV BIND_ADDR=0.0.0.0:8080 LOG_FORMAT=json
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["outbound"]
CMD ["serve"]
