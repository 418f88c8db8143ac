# A thin front for Meson and Ninja: every target is one line of what it does.
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 3600

all: build/onhand

build/onhand: configure console
	@ninja -C build onhand

# The tests and benches, too.
everything: configure console
	@ninja -C build

console:
	@tools/console

configure:
	@tools/configure build

demo: all
	@exec demo/run

run: all
	@exec build/onhand serve

bench: everything
	@tools/bench

# Hubs on PostgreSQL beside the same work by hand.
bench-postgresql: everything
	@tools/bench postgresql

check:
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tools/check

test: everything
	@meson test -C build --no-rebuild --print-errorlogs

lint:
	@tools/check lint

# Puts every C file into the pinned format.
format:
	@tools/sources . 'src/*.[ch]' 'src/*/*.[ch]' 'tests/*/*.[ch]' 'tests/unit/*/*.[ch]' \
		'bench/*.[ch]' 'demo/*.[ch]' | xargs -r clang-format -i

asan:
	@tools/check asan

tsan:
	@tools/check tsan

mutate:
	@tools/check mutate

fuzz:
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tools/check fuzz

coverage:
	@tools/coverage

soak: everything
	@SOAK_SECONDS=$(SOAK_SECONDS) tools/soak

# The pictures of docs/console.md, by the browser of the tests.
screenshots: everything
	@node tests/e2e/console_pictures.mjs docs/images

install: console
	@tools/configure build --prefix="$(PREFIX)"
	@ninja -C build onhand
	@DESTDIR="$(DESTDIR)" meson install -C build --no-rebuild --quiet

clean:
	rm -rf build build-asan build-tsan build-clang build-fuzz build-coverage

.PHONY: all build/onhand everything configure console demo run bench bench-postgresql check test lint format asan tsan mutate fuzz coverage soak screenshots install clean
