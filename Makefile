# What one types in this project. Each target installs what it lacks first, and says so.

.DEFAULT_GOAL := help
SHELL := bash
CARGO := cargo
# The testbed's program: cargo prints its path, so that no hash is guessed, and its progress on standard error.
TESTBED = $$($(CARGO) test --locked --test cluster --no-run --message-format=json | jq -r 'select(.profile.test and .target.name == "cluster").executable')

.PHONY: help demo test check unit probe-test browser-test cluster-test cluster-up cluster-exec cluster-down bench release fuzz docs completions setup

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: ## Build the program and diagnose a bundle recorded from a real cluster
	@tests/setup.sh build
# With the dependencies of the tests, whose features cargo unifies: `make test` then compiles none of this again.
	$(CARGO) test --locked --no-run --test examples
	@target/debug/kubectl-apigee-tls diagnose --from examples/no-wildcard-route.tar.gz || test $$? -eq 1

test: setup check unit probe-test browser-test cluster-test ## Everything: format, lints, docs, unit, snapshots, real cluster

setup: ## Install what the tests need
	@tests/setup.sh all

check: ## Formatting, lints, documentation
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --lib --quiet
	tests/minimum-rust-version.sh

unit: ## Every test that needs no cluster
	$(CARGO) test --locked --workspace --lib --bins
	$(CARGO) test --locked $(foreach file,$(wildcard tests/*.rs),--test $(basename $(notdir $(file))))

probe-test: ## Every handshake, with real servers
	$(CARGO) test --locked --test probe

browser-test: ## The HTML pages, in a headless Chromium
	$(CARGO) test --locked --test browser

cluster-test: ## Every scenario, on a real cluster that comes and goes with the run
	$(CARGO) test --locked --test cluster

cluster-up: ## Keep a cluster for working by hand: make cluster-up SCENARIO=no-wildcard-route
	@tests/setup.sh all
	@$(TESTBED) --up $(SCENARIO)

cluster-exec: ## Run a command inside the sandbox of that cluster: make cluster-exec COMMAND='curl -k https://…'
	@$(TESTBED) --exec $(COMMAND)

cluster-down: ## End that cluster
	@$(TESTBED) --down

bench: ## Measure against the peers, in the same run
	@tests/setup.sh bench
	@.ci/release
	@benches/run.sh

release: ## Build and pack the program as it is published: make release PLATFORM=linux_arm64
	@packaging/release.sh $(PLATFORM)

fuzz: ## Fuzz a parser for long: make fuzz TARGET=access_log (needs nightly Rust and cargo-fuzz)
	$(CARGO) +nightly fuzz run $(or $(TARGET),access_log) -- -max_total_time=$(or $(SECONDS_TO_RUN),600)

docs: ## Write docs/checks.md, the JSON schemas and completions/ from the code
	UPDATE_DOCS=1 $(CARGO) test --locked --test catalogue --test completions
