# Builds Heed on Debian 12, installs it, and runs the demo:
#
#   docker build -t heed .
#   docker run --rm -v "$PWD:/work" heed compare "a cat and a frog" --seeds 0..3
FROM swift:6.3-bookworm
WORKDIR /heed
COPY . .
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends git make
RUN make install
RUN heed compare "a cat and a frog" --seeds 0..3 -o /tmp/demo && rm -r /tmp/demo
WORKDIR /work
ENTRYPOINT ["heed"]
CMD ["--help"]
