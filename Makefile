SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

LAB := internal/lab
STATICCHECK := go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI_LINT := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.12.2
ACTIONLINT := go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
# What "make test" vets besides the machine's own: each operating system of a release
# and a processor of 32 bits. From nothing each takes about 40 seconds of a processor,
# later ones a second or two.
SYSTEMS ?= windows/amd64 darwin/arm64 freebsd/amd64 linux/386
# All of them.
RELEASED := linux/amd64 linux/arm64 linux/arm linux/386 darwin/amd64 darwin/arm64 \
	windows/amd64 windows/arm64 freebsd/amd64 freebsd/arm64
# vault/api brings the HTTP/2 that it speaks to Vault; net/http's own copy of it
# would be 0.5 MB that nothing uses. What speaks with Vault waits for the network,
# and gains nothing by inlining: 0.5 MB, too.
LEAN := net net/http crypto/tls crypto/x509 github.com/... golang.org/x/...
# The lab builds vaws once more with the tag faultpoints (internal/faultpoint).
EXTRA_TAGS =
# How vaws is built, here and for a release (.goreleaser.yaml). Nothing in it depends
# on the directory or the machine.
export BUILD_FLAGS := -buildvcs=false -trimpath -tags=nethttpomithttp2$(EXTRA_TAGS:%=,%) $(LEAN:%=-gcflags=%=-l)
VERSION = $(shell git describe --tags --always --dirty)
STAMPS = version=$(VERSION) commit=$(shell git rev-parse HEAD) \
	date=$(shell TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ)
# Where build puts vaws.
OUT ?= vaws
# The lab is vetted, tested and run with the flags that Vault is built with:
# otherwise each of them would compile Vault's 1,500 packages once more.
STATIC := CGO_ENABLED=0 GOFLAGS="$(GOFLAGS) -buildvcs=false -trimpath"
# Behind the user's own PATH, where install-nushell has put what Debian lacks.
export PATH := $(PATH):$(shell $(LAB)/install-nushell --where)

.PHONY: help build test unit fuzz e2e bench demo playground pictures snapshot release nightly goreleaser share lint lint-program lint-more lint-systems lint-lab vault tools clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build ./vaws
	CGO_ENABLED=0 go build $(BUILD_FLAGS) -ldflags="-s -w $(STAMPS:%=-X vaws/internal/cli.%)" -o $(OUT) .

test: tools lint-program lint-more lint-systems unit vault lint-lab e2e ## run every check and every test

# What "make unit" shows of a run that failed: the tests and packages that did.
FAILED := /^(=== RUN +[^\/]*|PASS|ok\t.*|FAIL.*|\# .*)$$/ { show(); block = "" } { block = block $$0 "\n" } \
	/^(--- FAIL|panic:|FAIL\t|\# )|DATA RACE/ { failed = 1 } END { show() } \
	function show() { if (failed) printf "%s", block; failed = 0 }

unit: ## run the program's unit tests with the race detector, and name what was skipped
	@echo "CGO_ENABLED=1 go test -race ./..."; log=$$(mktemp); \
	if CGO_ENABLED=1 go test -race -v ./... >$$log 2>&1; then grep -E '^(ok|\?)|SKIP|bytes; .* modules' $$log; \
	else awk '$(FAILED)' $$log; exit 1; fi; rm $$log

# How long each target of fuzz runs.
FUZZTIME ?= 10m

# In memory the files that targets write cost nothing. An input that fails is put into
# its room's testdata/fuzz, and is a case of the unit tests from then on.
fuzz: tools ## fuzz each target for FUZZTIME (10m), one after the other
	@if [ -w /dev/shm ]; then export TMPDIR=$$(mktemp -d /dev/shm/vaws-fuzz.XXXXXX); trap 'rm -rf "$$TMPDIR"' EXIT; fi; \
	grep -ro --include='*_test.go' '^func Fuzz[A-Za-z]*' internal | sed 's|/[^/]*:func | |' | sort | { failed=0; while read -r room target; do \
		echo "$$target in $$room for $(FUZZTIME)"; \
		go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "./$$room" || failed=1; \
	done; exit $$failed; }

# Much of a script is waiting, so that there is room for more of them than cores.
e2e: vault ## run the tests against a real Vault, keyring and AWS clients
	cd $(LAB) && $(STATIC) go test -count=1 -parallel 3 -timeout 30m ./...
	@sed -n '/^<!-- faults -->/,/^<!-- \/faults -->/{/^<!--/d;p}' docs/reliability.md

bench: ## measure vaws, and write docs/performance.md's figures and plots (idle machine)
	@$(LAB)/install-debian bench
	cd $(LAB) && $(STATIC) go run ./bench

demo: ## show vaws at work, against a real Vault and a stand-in for AWS
	@cd $(LAB) && $(STATIC) go run ./demo

playground: ## open a shell with vaws between a real Vault and a stand-in for AWS
	@cd $(LAB) && $(STATIC) go run ./demo -playground

pictures: ## redo the pictures of the terminal in docs/pictures
	cd $(LAB) && $(STATIC) go run ./pictures

snapshot: ## make all that a release has in ./dist, and publish nothing
	$(MAKE) goreleaser ARGS="release --snapshot --clean --skip=sign,sbom"
	@cd $(LAB) && $(STATIC) go run ./release list ../../dist

release: ## publish the tag that is checked out; .goreleaser.yaml tells what that takes
	$(MAKE) goreleaser ARGS="release --clean"

nightly: snapshot ## vet all systems, try the packages of a snapshot, make it once more (Debian; root)
	@$(LAB)/install-debian nightly
	$(MAKE) lint-systems SYSTEMS="$(RELEASED)"
	cd $(LAB) && $(STATIC) go test -tags nightly -count=1 -timeout 2h -v ./release

# GoReleaser with ARGS; it is built into the user's cache directory the first time.
GORELEASER = $(or $(shell cd $(LAB) && $(STATIC) go run ./release tool),false)
goreleaser:
	$(GORELEASER) $(ARGS)

# What goes into packages besides vaws and its pages. GoReleaser asks for it.
share:
	rm -rf share
	mkdir -p share/completions
	$(MAKE) build OUT=share/vaws VERSION=$(VERSION)
	for file in bash:vaws.bash zsh:_vaws fish:vaws.fish powershell:vaws.ps1; do \
		share/vaws completion "$${file%%:*}" >"share/completions/$${file#*:}"; \
	done
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) share/vaws man share/man
	gzip -9 --no-name --keep share/man/*.1

lint: lint-program lint-more lint-systems lint-lab ## check formatting, go vet, staticcheck, golangci-lint, workflows

lint-program:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not formatted with gofmt:"; echo "$$unformatted"; exit 1; fi
	go mod tidy -diff
	go vet ./...
	go vet -tags=faultpoints ./internal/faultpoint
	$(STATICCHECK) ./...

# The lab is left to vet and staticcheck: with all of Vault it would take minutes.
lint-more:
	$(GOLANGCI_LINT) run
	$(ACTIONLINT)

lint-systems: ## vet vaws for the SYSTEMS (GOOS/GOARCH) that a release is for
	@for system in $(SYSTEMS); do \
		echo "go vet for $$system"; CGO_ENABLED=0 GOOS=$${system%/*} GOARCH=$${system#*/} go vet ./...; \
	done

lint-lab:
	cd $(LAB) && $(STATIC) go vet -tags nightly ./...
	cd $(LAB) && $(STATIC) $(STATICCHECK) -tags nightly ./...

vault: ## build the lab's Vault into the user's cache directory
	@cd $(LAB) && $(STATIC) go run ./demo -prepare

tools: ## install what the tests need (Debian, and Nushell from npm; root or sudo)
	@$(LAB)/install-debian
	@$(LAB)/install-nushell

clean: ## remove what build and snapshot made
	rm -rf vaws dist share
