# Every task of the project. `make` alone lists them.

# How the node is built for `make demo`: release or debug.
CONFIGURATION ?= release
# `make demo INPUT=path` sends that file or folder; the default is this repository.
INPUT ?=
# `make demo TRANSPORT=quic`: the wire between the nodes: grpc, quic, or mixed for both.
TRANSPORT ?= grpc
# `make profile SCENARIO=name`: a work of the benchmark; SIDE is server or client.
SCENARIO ?= grpc:unary:64B:c100
SIDE ?= server
# `make test ARGS='--filter Name'`, `make bench ARGS=--quick`
ARGS ?=

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test bench test-bench counts profile build check peers proto check-proto format check-format docs check-doc-code tls-audit clean

help: ## list the tasks
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r task text; do \
		printf '  make %-14s %s\n' "$$task" "$$text"; done

demo: ## three nodes exchange real transactions, one is killed, nothing is lost [INPUT=path] [TRANSPORT=quic|mixed]
	@scripts/bootstrap build
	swift build -c $(CONFIGURATION) --product dagnode
	@DAGNODE="$(CURDIR)/.build/$(CONFIGURATION)/dagnode" INPUT="$(INPUT)" TRANSPORT="$(TRANSPORT)" scripts/demo

# Eight at a time: hundreds at once only wait for each other on a small machine.
test: peers ## all tests, with the foreign peers [ARGS='--filter Name']
	TRANSPORT_REQUIRE_PEERS=1 swift test --disable-xctest --parallel --experimental-maximum-parallelization-width 8 $(ARGS)

bench: ## measure against gRPC C++, grpc-swift, quinn and others in one run [ARGS=--quick]
	@scripts/bootstrap test
	@scripts/build-rivals
	swift build -c release --product transport-bench
	@swift build --package-path Benchmarks/Runner --scratch-path .build/runner
	@TRANSPORT_BENCH="$(CURDIR)/.build/release/transport-bench" .build/runner/debug/bench-runner measure $(ARGS)

test-bench: ## the tests of what `make bench` computes, parses and draws
	swift test --package-path Benchmarks/Runner --scratch-path .build/runner --disable-xctest

counts: ## count instructions and allocations of single paths, hold them against thresholds [ARGS=--update]
	@scripts/bootstrap counts
	@scripts/check-counts $(ARGS)

profile: ## where a server or client spends its time, as a flame graph [SCENARIO=grpc:unary:64B:c100] [SIDE=client]
	@scripts/bootstrap build
	swift build -c release --product transport-bench
	@swift build --package-path Benchmarks/Runner --scratch-path .build/runner
	@TRANSPORT_BENCH="$(CURDIR)/.build/release/transport-bench" .build/runner/debug/bench-runner profile \
		--scenario '$(SCENARIO)' --side $(SIDE) $(ARGS)

build: ## everything, debug, with the tests
	@scripts/bootstrap build
	swift build --build-tests

check: check-format test test-bench counts check-proto docs check-doc-code ## all that continuous integration checks but the demo

peers: ## what the tests talk to: system packages, .venv, the gRPC C++ peer
	@scripts/bootstrap test
	@scripts/venv
	@scripts/build-peers

proto: ## generate the modules' Generated folders from Protos/
	@scripts/bootstrap test
	@scripts/proto

check-proto: ## generated code is current, and Protos/ breaks no deployed peer
	@scripts/bootstrap test
	@scripts/check-proto
	@scripts/check-proto-breaking

format: ## format the Swift sources in place
	@scripts/format

check-format: ## fail on a source that `make format` would change, or that breaks a rule
	@scripts/format --check

docs: ## build the DocC documentation into .build/docs
	@scripts/bootstrap build
	@scripts/docs

check-doc-code: build ## the Swift code in the README and the articles compiles
	@scripts/check-doc-code

tls-audit: ## testssl.sh looks for weaknesses of our listener, some minutes
	@scripts/bootstrap audit
	@scripts/tls-audit

clean: ## remove what was built and fetched
	rm -rf .build .venv
