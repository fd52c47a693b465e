# Every target does its own set-up: on a bare Debian 12, `make run` and `make test` need nothing else.
PRESET ?= release
BUILD := build/$(PRESET)
RETAIL := examples/retail
DOMICILE := $(BUILD)/domicile

.PHONY: help run test build setup down bench clients infra fuzz mesh crash policy policy-oracle soak format tidy clean

help:
	@echo "make run     build, start the sample fleet, load the retail data, show what to try"
	@echo "make test    build and run every test"
	@echo "make down    stop the sample fleet; its data stays"
	@echo "make bench   compare the doors with Fastify and with PgBouncer on the same nodes"
	@echo "make clients run foreign clients' own test suites through the SQL door, and eight clients over several shards"
	@echo "make fuzz    fuzz every parser of foreign bytes (FUZZ_SECONDS each, default 600)"
	@echo "make policy  compare a million generated policy verdicts with an obvious evaluator's (POLICY_CASES)"
	@echo "make policy-oracle  ask somebody else's simulator of IAM about generated cases (fetched for this; AGPL)"
	@echo "make infra   synthesise the AWS templates of the sample, and prove what they promise (infra/README.md)"
	@echo "make mesh    regions in network namespaces behind a hub: cut links, and canaries looked for abroad"
	@echo "make soak    mixed load with node restarts (SOAK_SECONDS, default 1800)"
	@echo "make format  format the sources     make tidy   run clang-tidy over them"

setup:
	@tools/setup

build: setup
	@tools/build $(PRESET)

run: build
	@tools/run $(DOMICILE) $(RETAIL)

test: build
	@ctest --preset $(PRESET) --output-on-failure

down: build
	@$(DOMICILE) down -t $(RETAIL)/domicile.toml

bench: build
	@bench/http/run $(DOMICILE)
	@bench/sql/run --domicile $(DOMICILE)
	@bench/events/run --domicile $(DOMICILE)
	@bench/rights/run --domicile $(DOMICILE)
	@tools/build $(PRESET) policy_bench documents_bench && $(BUILD)/policy_bench && $(BUILD)/documents_bench

clients: build
	@tests/clients/run
	@tests/clients/sharded --domicile $(DOMICILE)

fuzz: setup
	@tools/fuzz

infra: build
	@DOMICILE=$(CURDIR)/$(DOMICILE) infra/run

policy: build
	@DOMICILE_POLICY_CASES=$${POLICY_CASES:-1000000} $(BUILD)/src/iam_test --gtest_filter='Generated.*'

mesh: build
	@tests/mesh/run --domicile $(DOMICILE)

crash: build
	@tests/crash/run --domicile $(DOMICILE)

policy-oracle: build
	@tests/policy/run $(BUILD)

soak: build
	@SOAK_SECONDS=$${SOAK_SECONDS:-1800} $(BUILD)/tests/soak/soak

format:
	@tools/format

tidy: build
	@tools/tidy $(BUILD)

clean:
	@rm -rf build
