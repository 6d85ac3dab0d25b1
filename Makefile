# The targets are what CI runs: .ci/run installs programs that are missing and then makes ci. No target
# calls apt-get. On a machine without PostgreSQL, node or a browser the tests that need them are
# skipped, unless CI is set.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

proof := webhook/internal/proof
# Lint vets every module, with more than go test would.
fresh := -count=1 -shuffle=on -vet=off
# SQLite's own code, translated from C to Go, is compiled without the race detector, with which it takes
# thirty times as long. Its memory is outside Go's heap, where the detector sees nothing. The driver and
# the code of this repository are watched on SQLite too.
race := -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false

.PHONY: help test papers lint race databases nested fips sim mutants alone oldest cross fuzz force speed api vuln ci

help: ## what there is
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

test: ## the tests of the library and the examples: the inner loop
	go test ./... ./examples/...

papers: ## whether documents, imports, planted bugs and the download agree with the tree
	go test -count=1 ./$(proof)/project ./$(proof)/docs ./$(proof)/mutants

lint: ## gofmt, vet, staticcheck, tidiness and golangci-lint, in every module
	.ci/lint

race: ## all tests of the root module, the examples and the proofs, with the race detector, in any order
	go test $(race) -timeout 30m $(fresh) -skip '^TestScheduler|^TestDelivery_retryWindows$$' ./$(proof)/stores ./$(proof)/matrix ./$(proof)/recovery ./... ./examples/... ./$(proof)/... # the longest first
	go test $(fresh) ./webhook/internal/scheduler # it starts no goroutine, and tells a quarter of a million schedules
	go test $(fresh) -run '^TestDelivery_retryWindows$$' ./webhook/jira # 60,000 attempts, which take the race detector a minute

databases: ## what depends on a database; POSTRIDER_TEST_POSTGRES_PORT names one that is there
	go test $(fresh) ./examples/tx_sql ./examples/tx_pgx ./examples/tx_bun ./examples/pgnotify ./$(proof)/stores ./$(proof)/jirastores ./$(proof)/recovery

nested: ## libraries by other authors, pages in a browser, the bench
	go test $(fresh) ./internal/oracle ./internal/e2e ./internal/bench

fips: ## signatures and sealing where FIPS 140 is enforced
	GODEBUG=fips140=only go test -count=1 ./webhook/sign ./webhook/sqlstore ./webhook/internal/sealing

sim: ## 200,000 simulated deliveries
	go test ./$(proof)/sim -count=1 -run TestSimulation -sim.runs 600 -v | tail -n 4

mutants: ## planted bugs, each of which a test must find; PART=2/4 for every fourth
	go run ./$(proof)/mutants -part $(or $(PART),1/1)

alone: ## the root module without the workspace, and the README's example as a newcomer runs it
	GOWORK=off go build ./...
	GOWORK=off go list -m all
	scratch=$$(mktemp -d); trap 'rm -rf $$scratch' EXIT; .ci/readme $$scratch/readme

oldest: ## the root module with the oldest Go that go.mod promises; OLDEST=test runs the tests too
	.ci/oldest

cross: ## windows and macOS: what can be said without them
	for os in windows darwin; do GOOS=$$os GOWORK=off go build ./... && GOOS=$$os GOWORK=off go vet ./... || exit 1; done

fuzz: ## a short fuzz of every parser; FUZZTIME=10m for a long one
	.ci/fuzz $(or $(FUZZTIME),2s)

force: ## examples, killed processes, a cluster, a minute of soak
	.ci/force

speed: ## speed, as ratios
	go run ./internal/bench -guard

api: ## what of the API has changed since the last tag
	.ci/api

vuln: ## known vulnerabilities
	.ci/vuln

ci: export PART ?= $(shell echo $$((1 + $$(git rev-list --count HEAD) % 4)))/4
ci: ## all of them, in the order in which they fail soonest; a quarter of the planted bugs
	@go version
	@for t in lint race nested fips sim mutants alone oldest cross fuzz force speed api vuln; do \
	  printf '\n== %s\n' "$$t"; $(MAKE) --no-print-directory $$t || exit 1; done
	@printf '\n== done\n'
