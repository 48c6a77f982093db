# The image: one static binary, nothing else. Build it with: docker build --tag stateward .
FROM rust:1.95 AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends musl-tools \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# Before the sources, so that the toolchain is a layer of its own.
COPY rust-toolchain.toml ./
ARG TARGETARCH=amd64
RUN case "$TARGETARCH" in \
        amd64) echo x86_64-unknown-linux-musl ;; \
        arm64) echo aarch64-unknown-linux-musl ;; \
        *) echo "no target for $TARGETARCH" >&2; exit 1 ;; \
    esac >/target-triple \
    && rustup target add "$(cat /target-triple)"
# It writes the list of crates into the binary, where scanners look for it. A layer of its own too.
RUN cargo install --locked --version 0.7.7 cargo-auditable
COPY . .
RUN cargo auditable build --locked --release --bin stateward --target "$(cat /target-triple)" \
    && cp "target/$(cat /target-triple)/release/stateward" /stateward

FROM scratch
COPY --from=build /stateward /stateward
# Nobody: no name in an empty image, so by number, which Kubernetes' runAsNonRoot needs anyway.
USER 65532:65532
EXPOSE 8443 8080
ENTRYPOINT ["/stateward"]
CMD ["serve"]
