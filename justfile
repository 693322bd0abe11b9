# What CI does, step by step. `just` alone lists the recipes.
default:
    @just --list

# Everything that CI checks.
check:
    .ci/run

# The tests. Always the whole workspace: a part alone resolves features differently and rebuilds the dependencies.
test:
    cargo test --workspace --locked

# The benches, in release.
bench *FILTER:
    cargo bench --workspace --locked -- {{FILTER}}

# The documentation, in a browser.
docs:
    cargo doc --workspace --no-deps --locked --open
