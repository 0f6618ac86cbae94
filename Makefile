# Every target sets up what it needs; a machine with Python 3.11 or later and make is enough.
# Nothing is installed outside .venv, and a second call takes seconds: an install runs again only
# after pyproject.toml or requirements.lock changed.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint bench docs mutants clean lock

VENV := .venv
BIN := $(VENV)/bin
WEEK ?= 1
# Extras of pyproject.toml to install as well, such as EXTRAS=deep,rl
EXTRAS ?=

# The shared datasets, where they lie beside the checkout; FIFTYTWO_DATA= (empty) does without.
ifneq ($(wildcard ../shared/data/MANIFEST.toml),)
FIFTYTWO_DATA ?= $(abspath ../shared/data)
export FIFTYTWO_DATA
endif

comma := ,
space := $(subst ,, )
WANTED := $(sort $(subst $(comma), ,$(EXTRAS)))
SUFFIX := $(if $(WANTED),-$(subst $(space),-,$(WANTED)))
CORE := $(VENV)/.core
RUN := $(VENV)/.run$(SUFFIX)
DEV := $(VENV)/.dev$(SUFFIX)
BENCH := $(VENV)/.bench$(SUFFIX)
DOCS := $(VENV)/.docs
LABS := $(wildcard src/fiftytwo/weeks/*/lab.py)
LANDED_EXTRAS := from fiftytwo import plan; \
  print(",".join(sorted({extra for number in plan.landed() for extra in plan.load(number).week.extras})))

# $(call install,EXTRAS): PyTorch goes first and through pip, which takes a CPU build where one is offered.
define install
@extras=$$(echo $(1) | tr " " ,); \
case ",$$extras," in *,deep,*|*,llm,*|*,rl,*|*,all,*) $(BIN)/python -m pip install --quiet "torch==2.13.0" || exit 1;; esac; \
$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c requirements.lock -e ".$${extras:+[$$extras]}"
endef

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(RUN) ## Set up, run every week that has landed, write the report
	@status=0; $(BIN)/fiftytwo run all || status=$$?; \
	$(BIN)/fiftytwo report || status=$$?; \
	echo; \
	echo "Your turn:  . $(BIN)/activate"; \
	echo "            fiftytwo start $(WEEK)     a brief and a starter file"; \
	echo "            fiftytwo check $(WEEK)     the checks on your code"; \
	exit $$status

test: lint $(VENV)/.chromium ## Set up, then lint, types, import contracts and the whole test suite
	$(BIN)/python -m pytest --cov --cov-report=term

lint: $(DEV) ## Style, formatting, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(BENCH) ## Ours beside the strongest peers; results in benchmarks/results
	@status=0; for file in $$(grep -l '__main__' benchmarks/*.py | grep -v 'harness\.py$$'); do \
	  echo "== $$file"; $(BIN)/python "$$file" || status=1; done; exit $$status

docs: $(DOCS) ## The documentation as a site in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open site/index.html"

mutants: $(DEV) ## Mutate an exercise's reference and count what its checks catch: make mutants WEEK=1
	$(BIN)/python tools/mutants.py $(WEEK)

lock: $(VENV)/.uv ## Resolve requirements.lock anew, for every extra, Python 3.11 to 3.13, Linux and macOS
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras --no-header --no-annotate \
	  pyproject.toml --output-file $(VENV)/resolved.txt
	@{ echo "# Every version of every extra, as constraints; made by: make lock"; \
	   grep -vE '^(nvidia|cuda|triton)-?' $(VENV)/resolved.txt; } > requirements.lock.part
	@mv requirements.lock.part requirements.lock

clean: ## Remove all that make has made; my52/ stays
	rm -rf $(VENV) build dist site .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache \
	  .grimp_cache .coverage .coverage.* requirements.lock.part
	find . -name __pycache__ -type d -not -path './.git/*' -not -path './my52/*' -prune -exec rm -rf {} +

$(VENV)/.uv:
	@python=""; for p in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
	  if "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python="$$p"; break; fi; done; \
	if [ -z "$$python" ]; then \
	  echo "error: no Python 3.11 or later was found; install one, or name it: make run PYTHON=/path/to/python3" >&2; \
	  exit 1; fi; \
	echo "making $(VENV) with $$($$python --version)"; \
	"$$python" -m venv --clear $(VENV) || { \
	  echo "error: this Python cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; \
	  rm -rf $(VENV); exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	@touch $@

$(CORE): $(VENV)/.uv pyproject.toml requirements.lock
	@echo "installing the core"
	$(call install)
	@touch $@

# What a landed week needs is known from its code, so the core goes in first.
$(RUN): $(CORE) $(LABS)
	@echo "installing what the landed weeks need"
	$(call install,$$($(BIN)/python -c '$(LANDED_EXTRAS)') $(WANTED))
	@touch $@

$(DEV): $(CORE) $(LABS)
	@echo "installing what development needs"
	$(call install,dev $$($(BIN)/python -c '$(LANDED_EXTRAS)') $(WANTED))
	@touch $@

# The tests of the dashboard need a real browser. Where it cannot be had they skip and say so.
$(VENV)/.chromium: $(CORE)
	@root=""; [ "$$(id -u)" = 0 ] || root="sudo -n"; \
	if command -v chromium >/dev/null || command -v chromium-browser >/dev/null; then :; \
	elif command -v apt-get >/dev/null && $$root true 2>/dev/null && echo "installing chromium for the tests of the dashboard" \
	  && { $$root timeout 300 apt-get -qq install -y --no-install-recommends chromium >/dev/null 2>&1 \
	    || { $$root timeout 300 apt-get -qq update >/dev/null 2>&1 \
	      && $$root timeout 300 apt-get -qq install -y --no-install-recommends chromium >/dev/null 2>&1; }; }; then :; \
	else echo "no Chromium here and it cannot be installed: the browser tests of the dashboard will skip"; fi
	@touch $@

$(BENCH): $(CORE) $(LABS)
	@echo "installing the peers that the benchmarks run beside"
	$(call install,bench $$($(BIN)/python -c '$(LANDED_EXTRAS)') $(WANTED))
	@touch $@

$(DOCS): $(CORE)
	$(call install,docs)
	@touch $@
