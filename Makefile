# make demo   installs what is missing, builds, and draws a first comparison sheet
# make test   installs what is missing, and runs every test
# make test-recorder   installs PyTorch and diffusers into the user's cache, 4.2 GB, and runs the recorder's tests
# make gallery   draws Documentation/gallery anew
# make notebooks   makes the sample of notebooks-export anew, runs the notebooks, and stores what they show
# make methods   makes and measures the runs of Documentation/methods anew; takes half an hour
# make evaluation   makes and scores the runs of Documentation/evaluation.md anew; takes two and a half hours
# make figures   lays out every figure for every venue, and checks that it fits; takes some minutes
# make docs   builds the reference of every module; a warning is an error
# make install    builds, and puts Heed into $(PREFIX), /usr/local unless named; DESTDIR is put before it
# make uninstall  removes what make install put there
# make wheel      builds, and makes a wheel for pip in .build/wheel
# make test-wheel installs that wheel in a fresh Debian without Swift, and runs it there; needs root
# make test-cluster  installs Slurm and Snakemake, and makes a small benchmark through both; needs root
# make fuzz SECONDS=60 gives parsers inputs that nobody wrote, for so long together; PARSERS="png npy" names some
# make torture SECONDS=60 tries every fault, kill and bad file, and fuzzes for so long; takes an hour, and root for some
# make sanitize   runs every test under AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer; takes an hour
# make sbom   lists what the command is made of, in CycloneDX, as .build/heed.cdx.json
# make reproducible   builds twice from clean clones in different folders, and compares; takes half an hour
# make lint   checks the format of every Swift file

# Under sudo the search path may lack the toolchain: look where its installers put it.
SWIFT ?= $(shell command -v swift || ls -d /opt/swift*/usr/bin/swift /usr/share/swift/usr/bin/swift \
	"$$HOME"/.local/share/swiftly/bin/swift /home/$$SUDO_USER/.local/share/swiftly/bin/swift \
	2>/dev/null | head -n 1)
SUDO := $(shell test "$$(id -u)" = 0 || echo sudo)

LIBRARIES := pkg-config libcairo2-dev libpango1.0-dev libpng-dev libjpeg-dev libgif-dev libwebp-dev \
	libqpdf-dev libssl-dev zlib1g-dev fonts-liberation2 fonts-dejavu-core
TEST_TOOLS := poppler-utils qpdf ghostscript ffmpeg librsvg2-bin libxml2-utils python3-venv python3-torch r-base-core chromium tmux \
	strace

WHEEL_TOOLS := binutils patchelf python3 git
WHEEL_TEST_TOOLS := debootstrap

# What opens exports in the tests: Python's own libraries, in exact versions.
READERS := .build-readers
REQUIREMENTS := notebooks-export/requirements.txt Tests/CommandTests/Fixtures/export/requirements.txt
NOTEBOOKS := Tests/CommandTests/Fixtures/notebooks
OWN_PIPELINE := 06-your-own-pipeline

# What the recorder is tested with: large, and therefore outside the checkout, where another one finds it too.
DIFFUSERS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/heed/diffusers
DIFFUSERS_REQUIREMENTS := notebooks-export/requirements.txt notebooks-export/requirements-diffusers.txt

# What heed --version names; a build without git has none.
COMMIT := HEED_COMMIT=$(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null)

BUILD := $(COMMIT) $(SWIFT) build -c release --explicit-target-dependency-import-check error
HEED := .build/release/heed

# Where make install puts Heed, and what it is made of there.
PREFIX ?= /usr/local
ROOT = $(DESTDIR)$(PREFIX)
RESOURCES := heed_PromptText.resources heed_Diffusion.resources heed_Figures.resources heed_Evaluation.resources
BASH_COMPLETION = $(ROOT)/share/bash-completion/completions/heed
ZSH_COMPLETION = $(ROOT)/share/zsh/site-functions/_heed
FISH_COMPLETION = $(ROOT)/share/fish/vendor_completions.d/heed.fish

.PHONY: demo build install files uninstall wheel pack test-wheel wheel-tools test test-recorder test-cluster gallery notebooks methods evaluation figures docs \
	fuzz torture sanitize sbom reproducible lint libraries test-tools readers diffusers toolchain

demo: build
	$(HEED) compare "a cat and a frog" --seeds 0..3

build: toolchain libraries
	$(BUILD) --product heed

install: build
	$(BUILD) --product generate-manual
	rm -rf .build/manual && mkdir .build/manual
	.build/release/generate-manual $(HEED) --multi-page --output-directory .build/manual \
	  --date "$$(git log -1 --format=%cs 2>/dev/null || date +%F)"
	$(MAKE) files BUILT=.build/release MANUAL=.build/manual

# Puts what is built in $(BUILT), and the pages in $(MANUAL), into its places.
files:
	install -d $(ROOT)/bin $(ROOT)/share/heed $(ROOT)/share/man/man1 $(dir $(BASH_COMPLETION)) \
	  $(dir $(ZSH_COMPLETION)) $(dir $(FISH_COMPLETION))
	install $(BUILT)/heed $(ROOT)/bin/heed
	for name in $(RESOURCES); do \
	  rm -rf $(ROOT)/share/heed/$$name && cp -r $(BUILT)/$$name $(ROOT)/share/heed/ || exit 1; \
	done
	install -m 644 $(MANUAL)/*.1 $(ROOT)/share/man/man1
	$(BUILT)/heed --generate-completion-script bash > $(BASH_COMPLETION)
	$(BUILT)/heed --generate-completion-script zsh > $(ZSH_COMPLETION)
	$(BUILT)/heed --generate-completion-script fish > $(FISH_COMPLETION)

uninstall:
	rm -rf $(ROOT)/bin/heed $(ROOT)/share/heed $(ROOT)/share/man/man1/heed.1 $(ROOT)/share/man/man1/heed.*.1 \
	  $(BASH_COMPLETION) $(ZSH_COMPLETION) $(FISH_COMPLETION)

wheel: build
	$(MAKE) pack BUILT=.build/release

# Packs what is built in $(BUILT) into a wheel; its licences are those of the packages in $(CHECKOUTS) and of this machine.
CHECKOUTS ?= .build/checkouts
pack: wheel-tools
	rm -rf .build/wheel
	/usr/bin/python3 notebooks-export/wheel/make_wheel.py --built $(BUILT) --checkouts $(CHECKOUTS) --output .build/wheel

test-wheel:
	$(call install,$(WHEEL_TEST_TOOLS))
	$(SUDO) Tests/Wheel/run.sh .build/wheel-root .build/wheel/*.whl

test: toolchain libraries test-tools readers
	$(BUILD) --build-tests
	$(BUILD) --product heed
	$(SWIFT) test -c release --skip-build

test-cluster: build
	apt-get install -y --no-install-recommends slurm-wlm munge snakemake
	Tests/Cluster/run.sh $(HEED)

test-recorder: build diffusers
	HEED=$(CURDIR)/$(HEED) Tests/RecorderTests/run.sh $(DIFFUSERS)/bin/python

gallery: build
	HEED=$(CURDIR)/$(HEED) RUNS=$(CURDIR)/.build/gallery Documentation/gallery/make.sh

notebooks: build readers diffusers
	HEED=$(CURDIR)/$(HEED) notebooks-export/make_sample.sh
	PYTHONPATH=$(CURDIR)/$(NOTEBOOKS)/debian-torch $(READERS)/bin/python $(NOTEBOOKS)/run_notebooks.py write notebooks-export \
		$(filter-out $(OWN_PIPELINE),$(basename $(notdir $(wildcard notebooks-export/[0-9]*.py))))
	HEED=$(CURDIR)/$(HEED) $(DIFFUSERS)/bin/python $(NOTEBOOKS)/run_notebooks.py write notebooks-export $(OWN_PIPELINE)

methods: build
	HEED=$(CURDIR)/$(HEED) RUNS=$(CURDIR)/.build/methods Documentation/methods/make.sh

evaluation: build
	HEED=$(CURDIR)/$(HEED) RUNS=$(CURDIR)/.build/evaluation Documentation/evaluation/make.sh

# Without optimisation, and of the parsers' modules alone: two minutes on two cores, and the sharper checks of addresses.
SECONDS ?= 60
FUZZ := .build-fuzz
fuzz: toolchain libraries
	@mkdir -p $(FUZZ)
	HEED_FUZZ=1 $(SWIFT) build --product Fuzzing --scratch-path $(FUZZ) --sanitize fuzzer --sanitize address \
	  -Xswiftc -sanitize=fuzzer,address -Xcc -fsanitize=undefined > $(FUZZ)/log 2>&1 || { cat $(FUZZ)/log; exit 1; }
	Tests/Fuzzing/run.sh $(FUZZ)/debug/Fuzzing $(FUZZ)/found $(SECONDS) $(PARSERS)

torture: toolchain libraries test-tools readers
	$(BUILD) --build-tests
	$(BUILD) --product heed
	Tests/Torture/run.sh $(SWIFT) $(SECONDS)

SANITIZERS := address thread
sanitize: toolchain libraries test-tools readers
	Tests/Sanitizers/run.sh $(SWIFT) .build-sanitize $(SANITIZERS)

sbom: build
	/usr/bin/python3 notebooks-export/wheel/make_sbom.py --built .build/release --checkouts $(CHECKOUTS) \
	  --output .build/heed.cdx.json

reproducible: toolchain libraries
	Tests/Reproducible/run.sh $(SWIFT) .build-twice

figures: toolchain libraries test-tools
	$(BUILD) --build-tests
	HEED_EVERY_FIGURE=all $(SWIFT) test -c release --skip-build --filter PageFitTests

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

wheel-tools:
	$(call install,$(WHEEL_TOOLS))

# Installed once, and again when the requirements change: the stamp bears their hash.
readers: test-tools
	@stamp=$(READERS)/installed-$$(cat $(REQUIREMENTS) | sha256sum | cut -c 1-16); \
	if [ ! -e $$stamp ]; then \
	  rm -rf $(READERS) && /usr/bin/python3 -m venv $(READERS) && \
	  $(READERS)/bin/pip install --quiet --disable-pip-version-check $(addprefix --requirement ,$(REQUIREMENTS)) && \
	  touch $$stamp; \
	fi

diffusers: test-tools
	@stamp=$(DIFFUSERS)/installed-$$(cat $(DIFFUSERS_REQUIREMENTS) | sha256sum | cut -c 1-16); \
	if [ ! -e $$stamp ]; then \
	  rm -rf $(DIFFUSERS) && mkdir -p $(dir $(DIFFUSERS)) && /usr/bin/python3 -m venv $(DIFFUSERS) && \
	  $(DIFFUSERS)/bin/pip install --quiet --disable-pip-version-check --no-cache-dir \
	    $(addprefix --requirement ,$(DIFFUSERS_REQUIREMENTS)) && \
	  touch $$stamp; \
	fi
