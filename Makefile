# The words that people and CI use. Each target installs what it needs, once.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
IMAGES ?=
PARALLEL ?= -n auto # a worker a core; PARALLEL= for one process

LOCK ?= # LOCK=requirements.lock installs the exact versions that CI tests
INSTALL = $(PYTHON) install.py --venv $(VENV) $(if $(strip $(LOCK)),--lock $(LOCK))
LISTS := requirements-dev.txt requirements-cluster.txt requirements-int8.txt requirements-map.txt

.PHONY: setup app test test-all check lock messages bench
.DEFAULT_GOAL := setup

# Installed again only when a list of requirements is newer than the stamp.
$(VENV)/.installed: requirements.txt $(LOCK)
	@$(INSTALL) requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt requirements-formats.txt requirements-database.txt $(VENV)/.installed
	@$(INSTALL) requirements-dev.txt
	@touch $@

setup: $(VENV)/.installed

app: $(VENV)/.installed
	$(RUN) app.py $(if $(IMAGES),--images "$(IMAGES)")

check: $(VENV)/.installed-dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy app index training gelato
	$(VENV)/bin/oxlint app
	$(VENV)/bin/oxfmt --check 'app/**/*.js'

# The versions that CI installs, for all systems and Pythons; those of the file stay unless UPGRADE=1 asks for newer ones.
lock: $(VENV)/.installed-dev
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(VENV)/bin/uv pip compile --quiet --universal --no-annotate --python-version 3.11 \
		$(if $(UPGRADE),--upgrade) $(LISTS) --output-file requirements.lock

# The catalogues of app/language with all messages of the code; it lists what has no translation yet.
messages: $(VENV)/.installed
	$(RUN) -m app.language

test: check
	@sh tests/browser.sh $(RUN)
	@sh tests/exiftool.sh
	@sh tests/nginx.sh
	$(RUN) -m pytest $(PARALLEL)

test-all: check
	@sh tests/browser.sh $(RUN)
	@sh tests/exiftool.sh
	@sh tests/nginx.sh
	$(RUN) -m pytest $(PARALLEL) -m "slow or not slow"

# The figures of the README and of benchmarks/README.md, measured again. PHOTOS, CIFAR10, COCO and OTHER as
# benchmarks/starter.py explains them; CLIP_RETRIEVAL is that command in an environment of its own, COLLECTION one made
# with `starter`, RUN_OF_CLIP a run as benchmarks/eight_bits.py explains it.
bench: $(VENV)/.installed
	$(if $(PHOTOS),$(RUN) benchmarks/starter.py --photos "$(PHOTOS)" --cifar10 "$(CIFAR10)" --coco "$(COCO)" --other "$(OTHER)")
	$(RUN) benchmarks/startup.py
	$(if $(COLLECTION),$(RUN) benchmarks/first_load.py --collection "$(COLLECTION)")
	$(if $(PHOTOS),$(RUN) benchmarks/build.py --photos "$(PHOTOS)")
	$(if $(CLIP_RETRIEVAL),$(RUN) benchmarks/rivals.py --photos "$(PHOTOS)" --clip-retrieval "$(CLIP_RETRIEVAL)")
	$(if $(CLIP_RETRIEVAL),$(RUN) benchmarks/camera_files.py --photos "$(PHOTOS)" --clip-retrieval "$(dir $(CLIP_RETRIEVAL))python" --work "$(or $(TMPDIR),/tmp)/gelato-camera")
	$(RUN) benchmarks/reliability.py
	$(if $(RUN_OF_CLIP),$(RUN) benchmarks/eight_bits.py --encoder "$(RUN_OF_CLIP)" --data "$(CIFAR10)")
	$(RUN) benchmarks/memory.py --work "$(or $(TMPDIR),/tmp)/gelato-memory" --minutes 60
	$(RUN) benchmarks/search.py
	$(if $(COLLECTION),$(RUN) benchmarks/search.py --collection "$(COLLECTION)")
	$(RUN) benchmarks/label.py
	$(if $(COLLECTION),$(RUN) benchmarks/command.py --collection "$(COLLECTION)")
	$(RUN) benchmarks/tables.py
