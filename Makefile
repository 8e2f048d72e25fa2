# A fresh Debian machine with python3 and make is enough: every target sets up what it needs.

.DEFAULT_GOAL := help
.PHONY: help demo test browser lives rules-prometheus rules-victoria lint fuzz faults bench bench-kube-state-metrics docs
.PHONY: image check-fixtures screenshots setup setup-test setup-bench setup-browser

# What scripts/setup fetched is here.
export PATH := $(CURDIR)/.tools/uv/bin:$(PATH):$(CURDIR)/.tools/bin
# As scripts/setup does: a network with an authority of its own has told the system of it.
export UV_SYSTEM_CERTS ?= true
RUN := .venv/bin/
RULE_TESTS := tests/alerts/lives tests/alerts/test_standing.py tests/alerts/test_objectives.py --timeout 3600

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-24s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup ## Print the table of a bad day, then serve it on http://127.0.0.1:9978 until Ctrl-C.
	$(RUN)python scripts/demo.py

test: setup-test lint ## Run every check; browser tests only if chromium is installed.
	$(RUN)pytest --numprocesses auto --dist loadfile

browser: setup-browser ## Check the page in a browser; installs Debian's chromium, as root.
	$(RUN)pytest tests/page/test_browser.py

lives: setup-test ## Also check the long incidents: faults of two hundred claims, and of fifty hours.
	LIVES=1 $(RUN)pytest $(RULE_TESTS)

rules-prometheus: setup-test ## Check the alerts with the promtool of Prometheus 3; needs go.
	PROMTOOL="$$(scripts/fetch_go_program promtool)" $(RUN)pytest $(RULE_TESTS)

rules-victoria: setup-test ## Check the alerts with VictoriaMetrics' vmalert-tool; needs go.
	PROMTOOL="$$(scripts/fetch_go_program vmalert-tool)" $(RUN)pytest $(RULE_TESTS)

lint: setup-test ## Check style, types, the direction of imports, and that generated pages are current.
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	$(RUN)mypy
	$(RUN)lint-imports
	$(RUN)python scripts/generate_docs.py --check

fuzz: setup-test ## Feed damaged input to the parsers and the judge for SECONDS=60.
	$(RUN)python -m tests.fuzz --seconds $(or $(SECONDS),60)

faults: setup-test ## Inject every fault into the running exporter, and write docs/faults.md.
	$(RUN)python -m tests.faults $(if $(CLAIMS),--claims $(CLAIMS))

bench: setup-bench ## Measure, and print the figures of the README's table; CLAIMS=100,1000 measures less.
	$(RUN)python -m bench $(if $(CLAIMS),--claims $(CLAIMS))

bench-kube-state-metrics: setup-bench ## Measure next to kube-state-metrics, with CLAIMS=10000; needs go.
	$(RUN)python -m bench.kube_state_metrics "$$(scripts/fetch_go_program kube-state-metrics)" $(or $(CLAIMS),10000)

docs: setup-test ## Regenerate all generated files: rules, dashboards, reference pages, the chart's copies.
	$(RUN)python scripts/generate_docs.py
	$(RUN)python -m alerts.build
	$(RUN)python -m grafana.build
	$(RUN)python scripts/pack_chart.py

image: ## Build the image with docker, podman or buildah, and write it to dist/ to load into a cluster; ENGINE=podman.
	@scripts/image

check-fixtures: setup-test ## Check the scenarios' objects against real CRDs: CRDS=folder.
	$(RUN)python -m scripts.check_fixtures $(or $(CRDS),$(error give the folder of CRDs: make check-fixtures CRDS=folder))

screenshots: setup-browser ## Retake the pictures in docs/images; installs Debian's chromium, as root.
	$(RUN)python scripts/screenshots.py

setup:
	@scripts/setup

setup-test:
	@scripts/setup --for-tests

setup-bench:
	@scripts/setup --for-bench

setup-browser:
	@scripts/setup --for-browser
