# torchreel: `make demo` and `make test` set up whatever is missing and then do their work.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.torchreel-ready
FLAGSHIPS := Conv1d Conv2d Unfold Fold MaxPool2d MaxUnpool2d GroupNorm LSTMCell Normalization
JOBS ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)

AXE := build/axe/node_modules/axe-core/axe.min.js

.PHONY: help setup system browser demo handbook gallery test test-pages check bench lint types golden golden-accept contact-sheets clean

help:
	@echo "make demo            render the flagship clips to media/"
	@echo "make handbook        render every example of every operator to media/"
	@echo "make gallery         a site of all clips, to search and to step through, in site/"
	@echo "make test            run all tests but those of pages in a browser and decks in LibreOffice"
	@echo "make test-pages      these: installs Chromium, axe-core and LibreOffice"
	@echo "make check           where clips break a picture law: CLIPS='Conv2d MaxPool2d:padding', or all"
	@echo "make setup           only install what is missing"
	@echo "make lint, types     ruff; mypy"
	@echo "make bench           measure against stock Manim, into benchmarks/README.md"
	@echo "make golden          draw golden frames anew, and a page to review them: CLIPS='Conv2d MaxPool2d:padding'"
	@echo "make golden-accept   take what was reviewed: CLIPS=Conv2d-stride.zh.light.last, or all of it"
	@echo "make contact-sheets  one sheet of frames per clip, to look at"
	@echo "make clean           remove what was built, not .venv or media"

setup: $(STAMP)

# Cairo and Pango headers are needed only to build pycairo and ManimPango; a working .venv needs neither again.
$(STAMP): pyproject.toml
	@$(MAKE) --no-print-directory system
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "torchreel needs Python 3.11 or newer: make PYTHON=python3.12 setup"; exit 1; }
	@$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/python -m pip install torch==2.13.0 || \
		$(BIN)/python -m pip install torch
	$(BIN)/python -m pip install -e '.[dev]'
	@touch $@

# Asks the package manager only for what is not there yet; says what it runs, and uses sudo only where not root.
INSTALL = test -z "$$missing" && exit 0; \
	if command -v apt-get >/dev/null 2>&1; then \
		sudo=""; test "$$(id -u)" = 0 || sudo=sudo; \
		echo "installing$$missing"; \
		$$sudo apt-get update -q && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
			--no-install-recommends $$missing; \
	else \
		echo "please install$$missing with your package manager$$elsewhere"; exit 1; \
	fi

system:
	@missing=""; elsewhere=" (macOS: brew install cairo pango pkg-config)"; \
	command -v pkg-config >/dev/null 2>&1 || missing="$$missing pkg-config"; \
	pkg-config --exists cairo 2>/dev/null || missing="$$missing libcairo2-dev"; \
	pkg-config --exists pangocairo 2>/dev/null || missing="$$missing libpango1.0-dev"; \
	test -x $(BIN)/python || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || missing="$$missing python3-venv"; \
	$(INSTALL)

# What the tests of pages need: a browser, and axe-core, which finds what shuts people out of a page.
browser: setup $(AXE)
	@missing=""; elsewhere=", or set TORCHREEL_CHROMIUM to a browser"; \
	$(BIN)/python -m torchreel.tests.browser || missing="$$missing chromium"; \
	$(INSTALL)

$(AXE):
	@missing=""; elsewhere=""; command -v npm >/dev/null 2>&1 || missing=" npm"; $(INSTALL)
	npm install --prefix build/axe --no-save --no-audit --no-fund axe-core@4.14.1

demo: setup
	$(BIN)/torchreel render $(FLAGSHIPS:%='%:*') -f gif,mp4,png -o media -j $(JOBS)

handbook: setup
	$(BIN)/torchreel render --all -f gif,mp4,png -o media -j $(JOBS)

gallery: handbook
	$(BIN)/torchreel gallery media -o site

test: setup
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

# Pages are tried in Chromium with axe-core, decks in LibreOffice: both are large, so `make test` does without them.
test-pages: setup browser
	@missing=""; elsewhere=""; \
	command -v soffice >/dev/null 2>&1 || missing="$$missing libreoffice-impress"; \
	command -v pdftoppm >/dev/null 2>&1 || missing="$$missing poppler-utils"; \
	$(INSTALL)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m "browser or office"

check: setup
	$(BIN)/torchreel check $(CLIPS)

bench: setup
	$(BIN)/python -m benchmarks.run

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup build/types/torchreel
	$(BIN)/mypy -m torchreel -m torchreel.cli -p torchreel.assets -p torchreel.scenes -p torchreel.render \
		-p torchreel.publish

build/types/torchreel:
	@mkdir -p build/types
	ln -sfn ../.. $@

golden: setup
	$(BIN)/python -m torchreel.tests.golden_review $(CLIPS) -j $(JOBS)

golden-accept: setup
	$(BIN)/python -m torchreel.tests.golden_review $(CLIPS) --accept

contact-sheets: setup
	$(BIN)/python -m torchreel.render.contact_sheet $(CLIPS) -j $(JOBS)

clean:
	rm -rf build dist *.egg-info .pytest_cache .hypothesis .ruff_cache .mypy_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
