# Everything that CI does, in its order.
ci:
    .ci/run

# Formats the code.
fmt:
    cargo fmt

# Lints as CI does.
lint:
    cargo clippy --all-targets --locked -- -D warnings

# Runs all tests; the first run builds a Kubernetes control plane (about five minutes).
test *ARGS:
    cargo test --locked {{ARGS}}

# Runs the laws of the house only.
laws:
    cargo test --locked --test it laws

# Writes all generated files: deploy/*.yaml, docs/rules.md, messages in the pages of rules.
update:
    UPDATE=1 cargo test --locked

# Runs all benchmarks.
bench *ARGS:
    cargo bench {{ARGS}}

# Builds the static binary and the image of it.
image *ARGS:
    deploy/image.sh {{ARGS}}

# Checks licences, sources and advisories.
deny:
    "$(.ci/tool cargo-deny)" check
