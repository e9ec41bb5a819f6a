# One command each: `make help` lists them. Settings come from the environment or .env (.env.example).
.DEFAULT_GOAL := help
.PHONY: help run test soak bench lint audit-dependencies conformance demo-call
UP := sh daejeon_soc/up/install.sh
PYTHON := .venv/bin/python

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

run: ## bring the city up at http://127.0.0.1:$PORT (8000); Ctrl-C stops it
	@$(UP) run
	@exec $(PYTHON) -m daejeon_soc.up run

test: ## every check and test, on a private Postgres and Redis (ARGS="-k gate" for some)
	@$(UP) test
	@exec $(PYTHON) -m daejeon_soc.up test $(ARGS)

soak: ## hundreds of cameras and everything that goes wrong, for minutes (SOAK_CAMERAS=200 SOAK_MINUTES=5)
	@$(UP) test
	@exec $(PYTHON) -m daejeon_soc.up test -m soak -s

bench: ## the benchmarks, into var/bench (BENCH=name for one)
	@$(UP) test
	@exec $(PYTHON) -m tests.bench $(BENCH)

lint: ## style and floors only
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/lint-imports

conformance: ## the API against its description, the gate against the law, at length (API_EXAMPLES=200)
	@$(UP) test
	@API_EXAMPLES=$${API_EXAMPLES:-200} LAW_AT_LENGTH=1 exec $(PYTHON) -m daejeon_soc.up test \
		tests/test_api_conformance.py tests/mous/test_law.py -s

audit-dependencies: ## known weaknesses of the pinned packages (AUDIT=--where-reachable: no service, no failure)
	@$(UP) test
	@.venv/bin/python -m daejeon_soc.up.advisories $(AUDIT)

demo-call: ## an exercise call into the running city, now
	@$(PYTHON) manage.py demo_call
