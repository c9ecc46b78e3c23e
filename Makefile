# make demo   installs what is missing, builds, and draws a first comparison sheet
# make test   installs what is missing, and runs every test
# make gallery   draws Documentation/gallery anew
# make methods   makes and measures the runs of Documentation/methods anew; takes half an hour
# make docs   builds the reference of every module; a warning is an error
# make lint   checks the format of every Swift file

# Under sudo the search path may lack the toolchain: look where its installers put it.
SWIFT ?= $(shell command -v swift || ls -d /opt/swift*/usr/bin/swift /usr/share/swift/usr/bin/swift \
	"$$HOME"/.local/share/swiftly/bin/swift /home/$$SUDO_USER/.local/share/swiftly/bin/swift \
	2>/dev/null | head -n 1)
SUDO := $(shell test "$$(id -u)" = 0 || echo sudo)

LIBRARIES := pkg-config libopenblas-dev libcairo2-dev libpango1.0-dev libpng-dev libjpeg-dev libssl-dev \
	zlib1g-dev fonts-liberation2 fonts-dejavu-core
TEST_TOOLS := poppler-utils python3-venv python3-torch r-base-core chromium

# What opens exports in the tests: Python's own libraries, in exact versions.
READERS := .build-readers
REQUIREMENTS := notebooks-export/requirements.txt

BUILD := $(SWIFT) build -c release --explicit-target-dependency-import-check error
HEED := .build/release/heed

.PHONY: demo build test gallery methods docs lint libraries test-tools readers toolchain

demo: build
	$(HEED) compare "a cat and a frog" --seeds 0..3

build: toolchain libraries
	$(BUILD) --product heed

test: toolchain libraries test-tools readers
	$(BUILD) --build-tests
	$(BUILD) --product heed
	$(SWIFT) test -c release --skip-build

gallery: build
	HEED=$(CURDIR)/$(HEED) RUNS=$(CURDIR)/.build/gallery Documentation/gallery/make.sh

methods: build
	HEED=$(CURDIR)/$(HEED) RUNS=$(CURDIR)/.build/methods Documentation/methods/make.sh

docs: toolchain libraries
	$(BUILD)
	SWIFT=$(SWIFT) Documentation/reference/make.sh

lint: toolchain
	$(SWIFT) format lint --strict --recursive Sources Tests Package.swift

toolchain:
	@test -n "$(SWIFT)" || { echo "Swift 6.3 is not installed: see https://www.swift.org/install" >&2; exit 1; }

# $(1): Debian packages; asks the package system only when one is missing.
define install
@missing=$$(for p in $(1); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done); \
if [ -n "$$missing" ]; then \
  $(SUDO) apt-get update -qq && \
  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
fi
endef

libraries:
	$(call install,$(LIBRARIES))

test-tools:
	$(call install,$(TEST_TOOLS))

# Installed once, and again when the requirements change: the stamp bears their hash.
readers: test-tools
	@stamp=$(READERS)/installed-$$(sha256sum < $(REQUIREMENTS) | cut -c 1-16); \
	if [ ! -e $$stamp ]; then \
	  rm -rf $(READERS) && /usr/bin/python3 -m venv $(READERS) && \
	  $(READERS)/bin/pip install --quiet --disable-pip-version-check --requirement $(REQUIREMENTS) && \
	  touch $$stamp; \
	fi
