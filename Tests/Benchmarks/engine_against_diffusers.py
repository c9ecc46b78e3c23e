#!/usr/bin/env python3
"""Times `heed benchmark engine` against PyTorch + diffusers on the same checkpoint, and prints ratios.

    python3 -m venv venv && venv/bin/pip install torch diffusers transformers accelerate safetensors
    make build
    venv/bin/python Tests/Benchmarks/engine_against_diffusers.py [--shapes sd14 | --model FOLDER]
        [--weights float32] [--threads 2] [--rounds 3] [--steps 2 | --whole]
    venv/bin/python Tests/Benchmarks/engine_against_diffusers.py --shapes sdxl [--sizes 1024x1024,768x768]

Without --model, a checkpoint of the shapes is written with random weights in the given precision, and
deleted in the end (4.3 GB in float32). Both sides read it and compute in float32 on the same number of
threads. In each round, each side runs each pass twice, and the faster run counts: the first finds its
memory cold. Ratios are medians over the rounds. Attend-and-Excite on PyTorch's side is diffusers' own
pipeline with its attention processors; plain passes take the processors that diffusers takes by itself.

PyTorch also runs in bfloat16 (weights, activations, channels last) and in float32 with products in bfloat16
(`torch.backends.mkldnn`), and OpenVINO, where it is installed, runs the UNet with static shapes in the type that it
chooses. stable-diffusion.cpp (`sd.cpp`), where it is installed, makes a picture without guidance, each step of which
is a UNet pass of batch 1 and is timed by itself, with its own defaults: linear layers in the type on disk,
convolutions in float16. It is compiled for the machine that installs it, which takes minutes and a C++ compiler; the
option, off by default, makes its products faster:

    CMAKE_ARGS=-DGGML_LLAMAFILE=ON venv/bin/pip install stable-diffusion-cpp-python

--peers picks some of these. One that is not installed or does not load is named in a line and left out.

With --shapes sdxl, the UNet pass of batch 1 is compared at each size in turns with that of Stable Diffusion 1.4, whose
ratio in the same run is the bar. Here both sides fill the shapes with numbers of their own, since a pass takes as long with any,
Heed in float16 and PyTorch in float32 (10.3 GB), and only one of them is in memory at a time. The peak memory of a pass of both
branches of guidance is Heed's alone.

The picture (50 DDIM steps, the first 25 altered, no refinement) is made of 2 steps and scaled unless
--steps or --whole say otherwise, each side in a process of its own, whose largest resident memory is
compared. The bars are for full-size shapes on a machine that does nothing else; ends with 1 if one is
missed.
"""
import argparse, importlib.util, json, os, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PROMPT, TOKENS, STEPS = "a cat and a frog", [2, 5], 50

# Heed's name of a pass, its title, and the largest ratio that is good enough.
PASSES = [("unet", "UNet pass, batch 1", 0.6), ("unet-pair", "UNet pass, batch 2", None),
          ("loss-forward", "A&E loss pass, forward", None),
          ("loss-backward", "A&E loss pass, backward", None),
          ("step", "A&E step, altered", 0.4), ("decode", "VAE decode", 0.7)]
IMAGE_BAR, SGEMM_BAR = 0.4, 0.7
PEERS = ["float32", "bfloat16", "bfloat16-inside", "openvino", "sd.cpp"]
# Peers that run the UNet pass of batch 1 alone, and the module that each needs.
UNET_ALONE = {"openvino": "openvino", "sd.cpp": "stable_diffusion_cpp"}
# Bars on a machine with matrix units for bfloat16, by pass and peer.
AMX_BARS = {("unet", "float32"): 0.2, ("unet", "bfloat16"): 0.7, ("step", "float32"): 0.1}
MEMORY_BARS = {"float32": 0.4, "float16": 0.25}
# The most memory of SDXL, in GiB with weights in float16, and the size that it is for.
XL_MEMORY_BAR, XL_MEMORY_SIZE = 6.5, "768x768"


# The peer: a process that answers each line of its input with a line of JSON.

class Peer:
    """PyTorch and diffusers on a checkpoint, in one of the ways of PEERS but the last."""

    def __init__(self, folder, threads, way):
        import torch
        from diffusers import DDIMScheduler
        from diffusers.pipelines.deprecated.stable_diffusion_attend_and_excite.\
pipeline_stable_diffusion_attend_and_excite import StableDiffusionAttendAndExcitePipeline

        torch.set_num_threads(threads)
        torch.manual_seed(0)
        self.torch = torch
        if way == "bfloat16-inside":
            torch.backends.mkldnn.matmul.fp32_precision = "bf16"
            torch.backends.mkldnn.conv.fp32_precision = "bf16"
        type_ = torch.bfloat16 if way == "bfloat16" else torch.float32
        self.pipe = StableDiffusionAttendAndExcitePipeline.from_pretrained(
            folder, torch_dtype=type_, safety_checker=None, feature_extractor=None,
            requires_safety_checker=False)
        if way == "bfloat16":
            self.pipe.unet.to(memory_format=torch.channels_last)
            self.pipe.vae.to(memory_format=torch.channels_last)
        self.pipe.scheduler = DDIMScheduler.from_config(
            self.pipe.scheduler.config, clip_sample=False)
        self.pipe.set_progress_bar_config(disable=True)
        size = self.pipe.unet.config.sample_size
        self.latent = torch.randn(1, 4, size, size).to(type_)
        self.context = torch.randn(2, 77, self.pipe.unet.config.cross_attention_dim).to(type_)
        self.compiled = self.converted(threads) if way == "openvino" else None
        self.grid = (size // 4, size // 4)
        if os.path.exists(f"{folder}/guidance.json"):
            method = json.load(open(f"{folder}/guidance.json"))["attend-and-excite"]
            self.grid = tuple(method.get("attention_resolution", self.grid))

    def converted(self, threads):
        """The UNet as OpenVINO compiles it for these shapes."""
        import openvino

        class UNet(self.torch.nn.Module):
            def forward(_, latent, time, context):
                return self.pipe.unet(latent, time, encoder_hidden_states=context).sample

        # Weights that want a gradient cannot be constants of a trace.
        self.pipe.unet.requires_grad_(False)
        inputs = (self.latent, self.torch.tensor(500), self.context[1:])
        model = openvino.convert_model(
            UNet().eval(), example_input=inputs, input=[tuple(x.shape) for x in inputs])
        return openvino.Core().compile_model(model, "CPU", {
            "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"})

    def loss(self):
        """As the pipeline evaluates it: the whole UNet with the tape on, for one prompt."""
        latent = self.latent.clone().requires_grad_(True)
        with self.torch.enable_grad():
            self.pipe.unet(latent, 500, encoder_hidden_states=self.context[1:])
            self.pipe.unet.zero_grad()
            return latent, self.pipe._compute_loss(
                self.pipe._aggregate_and_get_max_attention_per_token(indices=TOKENS))

    def excited(self, body):
        """Runs `body` under the pipeline's attention processors."""
        from diffusers.pipelines.deprecated.stable_diffusion_attend_and_excite.\
pipeline_stable_diffusion_attend_and_excite import AttentionStore
        original = self.pipe.unet.attn_processors
        self.pipe.attention_store = AttentionStore(self.grid)
        self.pipe.register_attention_control()
        try:
            return body()
        finally:
            self.pipe.unet.set_attn_processor(original)

    def step(self):
        latent, loss = self.loss()
        with self.torch.enable_grad():
            latent = self.pipe._update_latent(latents=latent, loss=loss, step_size=20.0)
        with self.torch.no_grad():
            pair = self.torch.cat([latent.detach()] * 2)
            self.pipe.unet(pair, 500, encoder_hidden_states=self.context)

    def run(self, name):
        """Seconds of each part of a pass, by Heed's names."""
        with self.torch.no_grad():
            if self.compiled:
                inputs = [x.numpy() for x in (self.latent, self.torch.tensor(500), self.context[1:])]
                return {name: timed(lambda: self.compiled(inputs))[0]}
            if name == "unet":
                return {name: timed(lambda: self.pipe.unet(
                    self.latent, 500, encoder_hidden_states=self.context[1:]))[0]}
            if name == "unet-pair":
                return {name: timed(lambda: self.pipe.unet(
                    self.latent.expand(2, -1, -1, -1), 500,
                    encoder_hidden_states=self.context))[0]}
            if name == "decode":
                return {name: timed(lambda: self.pipe.vae.decode(
                    self.latent / self.pipe.vae.config.scaling_factor))[0]}
        if name == "step":
            return {name: self.excited(lambda: timed(self.step)[0])}
        forward, (latent, loss) = self.excited(lambda: timed(self.loss))
        backward, _ = timed(lambda: self.torch.autograd.grad(loss, [latent]))
        return {"loss-forward": forward, "loss-backward": backward}

    def image(self, steps):
        """Seconds of a picture of 50 steps, from one of `steps` by the pipeline itself."""
        altered, ends, begun = (steps + 1) // 2, [], []
        hook = self.pipe.unet.register_forward_pre_hook(
            lambda *_: None if begun else begun.append(time.perf_counter()))
        total, _ = timed(lambda: self.pipe(
            PROMPT, token_indices=TOKENS, num_inference_steps=steps, attn_res=self.grid,
            max_iter_to_alter=altered, thresholds={},
            generator=self.torch.Generator("cpu").manual_seed(0),
            callback=lambda *_: ends.append(time.perf_counter())))
        hook.remove()
        times = [end - start for start, end in zip(begun + ends, ends)]
        halves = times[:altered], times[altered:]
        return total - sum(times) + STEPS / 2 * sum(map(statistics.mean, halves))


class BareUNet:
    """PyTorch's UNet in some shapes, of numbers that are small and mean nothing: for times alone."""

    def __init__(self, shapes, size, threads):
        import torch
        from diffusers import UNet2DConditionModel

        torch.set_num_threads(threads)
        torch.manual_seed(0)
        config = json.load(open(f"{ROOT}/Sources/Diffusion/Resources/Shapes/{shapes}/unet/config.json"))
        # torch's own initialisation of SDXL takes longer than a pass.
        with torch.device("meta"):
            unet = UNet2DConditionModel.from_config(config)
        self.unet = unet.to_empty(device="cpu").eval().requires_grad_(False)
        numbers = torch.randn(1 << 20) * 0.02
        for weight in self.unet.parameters():
            for piece in weight.view(-1).split(len(numbers)):
                piece.copy_(numbers[:len(piece)])
        width, height = map(int, size.split("x"))
        self.inputs = dict(
            sample=torch.randn(1, 4, height // 8, width // 8), timestep=500,
            encoder_hidden_states=torch.randn(1, 77, unet.config.cross_attention_dim))
        if unet.config.addition_embed_type == "text_time":
            pooled = (unet.config.projection_class_embeddings_input_dim
                      - 6 * unet.config.addition_time_embed_dim)
            self.inputs["added_cond_kwargs"] = dict(
                text_embeds=torch.randn(1, pooled),
                time_ids=torch.tensor([[height, width, 0, 0, height, width]]).float())

    def run(self, name):
        return {name: timed(lambda: self.unet(**self.inputs))[0]}


def installed(way):
    return way not in UNET_ALONE or importlib.util.find_spec(UNET_ALONE[way]) is not None


def timed(body):
    start = time.perf_counter()
    result = body()
    return time.perf_counter() - start, result


def peak_memory():
    """The most memory this process has had resident, in bytes."""
    status = open("/proc/self/status").read()
    return int(status.split("VmHWM:")[1].split()[0]) << 10


def write(shapes, precision, folder):
    import torch
    from full_size import build
    from safetensors.torch import load_file, save_file
    build(shapes).to(getattr(torch, precision)).save_pretrained(folder, safe_serialization=True)
    # stable-diffusion.cpp needs a prefix that published checkpoints have and newer transformers leaves out.
    text = f"{folder}/text_encoder/model.safetensors"
    save_file({f"text_model.{name.removeprefix('text_model.')}": tensor
               for name, tensor in load_file(text).items()}, text, metadata={"format": "pt"})


def serve_steps(arguments):
    """stable-diffusion.cpp as the peer: each step of a picture waits for a line of the input."""
    import stable_diffusion_cpp
    # A copy of the output: the library silences the original while it runs.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    begun = None

    def between_steps(step, *_):
        nonlocal begun
        answer = {"unet": time.perf_counter() - begun} if step else "ready"
        print(json.dumps(answer), file=answers, flush=True)
        if not sys.stdin.readline():
            os._exit(0)
        begun = time.perf_counter()

    size = 8 * json.load(open(f"{arguments.model}/unet/config.json"))["sample_size"]
    model = stable_diffusion_cpp.StableDiffusion(
        arguments.model, n_threads=arguments.threads, vae_decode_only=True, verbose=False)
    model.generate_image(
        PROMPT, width=size, height=size, cfg_scale=1.0, sample_method="euler", sample_steps=1000,
        progress_callback=between_steps)


def serve(arguments):
    if arguments.peer == "sd.cpp":
        return serve_steps(arguments)
    peer = (BareUNet(arguments.shapes, arguments.sizes, arguments.threads)
            if arguments.peer == "bare"
            else Peer(arguments.model, arguments.threads, arguments.peer))
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        name = line.strip()
        answer = ({"seconds": peer.image(arguments.steps), "memory": peak_memory()}
                  if name == "image" else peer.run(name))
        print(json.dumps(answer), flush=True)


# The comparison.

class Server:
    """A process of this script that serves as the peer."""

    def __init__(self, arguments, way="float32", *subject):
        self.way = way
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--peer", way,
             *(subject or ("--model", arguments.model)),
             "--threads", str(arguments.threads), "--steps", str(arguments.steps)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=dict(os.environ, HF_HUB_OFFLINE="1"))
        self.subject = " ".join(subject) or "--model FOLDER"
        self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.way} ended early; run this script with --peer {self.way} {self.subject} to see why")
        return json.loads(line)

    def ask(self, name):
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def heed(arguments, *options, subject=()):
    result = subprocess.run(
        [arguments.heed, "benchmark", "engine", *(subject or ("--model", arguments.model)),
         "--json", "--paths", arguments.path, *options],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=dict(os.environ, HEED_THREADS=str(arguments.threads)))
    return json.loads(result.stdout)


def started(arguments):
    """A server for each peer; prints a line for each that is left out."""
    servers = {}
    for way in arguments.peers:
        try:
            if installed(way):
                servers[way] = Server(arguments, way)
            else:
                print(f"without {way}: not installed")
        except SystemExit as reason:
            if way not in UNET_ALONE:
                raise
            print(f"without {way}: {reason}")
    return servers


def compare_passes(arguments):
    """Prints a line for each pass and peer; gives whether each bar holds."""
    servers = started(arguments)
    holds = []
    for group in (["unet"], ["unet-pair"], ["loss-forward", "loss-backward"], ["step"], ["decode"]):
        asked = {way: server for way, server in servers.items() if way not in UNET_ALONE or group == ["unet"]}
        if not asked:
            continue
        rounds = [
            (heed(arguments, "--passes", ",".join(group), "--repeats", "2"),
             {way: [server.ask(group[0]) for _ in range(2)] for way, server in asked.items()})
            for _ in range(arguments.rounds)]
        for index, name in enumerate(group):
            passes = [report["passes"][index] for report, _ in rounds]
            ours = [min(measured["samples"]) for measured in passes]
            share = statistics.median(
                measured["speed"]["gigaflop"] / seconds / measured["speed"]["sgemm"]
                for measured, seconds in zip(passes, ours))
            title, bar = next((title, bar) for key, title, bar in PASSES if key == name)
            bars = {(name, "float32"): bar}
            if rounds[0][0]["instructionSet"] == "amx":
                bars.update(AMX_BARS)
            first = next(iter(asked))
            for way in asked:
                theirs = [min(answer[name] for answer in answers[way]) for _, answers in rounds]
                label = title if way == "float32" else f"{title}, {way}"
                holds.append(line(
                    label if way == first else f"  against {way}", ours, theirs, "s",
                    bars.get((name, way)), f"{share:.2f} of sgemm" if way == first else ""))
    for server in servers.values():
        server.close()
    return holds


def compare_image(arguments):
    report = heed(arguments, "--passes", "none", "--steps", str(arguments.steps))["image"]
    server = Server(arguments)
    theirs = server.ask("image")
    server.close()
    speed, share = report["speed"], report["speed"]["shareOfSgemm"]
    holds = [line("A&E picture, 50 steps", [speed["seconds"]], [theirs["seconds"]], "s", IMAGE_BAR,
                  f"{arguments.steps} steps made")]
    if report.get("peakMemory"):
        holds.append(line("its peak memory", [report["peakMemory"] / 2**30],
                          [theirs["memory"] / 2**30], "GiB", MEMORY_BARS[arguments.weights]))
    verdict = "holds" if share >= SGEMM_BAR else "MISSED"
    print(f"{'its share of sgemm':26}{share:51.2f}  >= {SGEMM_BAR} {verdict}")
    return holds + [share >= SGEMM_BAR]


def compare_sizes(arguments):
    """SDXL's UNet at each size, and SD 1.4's at its own in every round; gives whether each bar holds."""
    subjects = {"SD 1.4, 512x512": ("sd14", "512x512")} | {
        f"SDXL, {size}": ("sdxl", size) for size in arguments.sizes.split(",")}
    ours, theirs = {name: [] for name in subjects}, {name: [] for name in subjects}
    for _ in range(arguments.rounds):
        for name, (shapes, size) in subjects.items():
            report = heed(
                arguments, "--passes", "unet", "--repeats", "2", "--size", size, "--weights",
                arguments.weights, subject=("--shapes", shapes))
            ours[name].append(min(report["passes"][0]["samples"]))
            server = Server(arguments, "bare", "--shapes", shapes, "--sizes", size)
            theirs[name].append(min(server.ask("unet")["unet"] for _ in range(2)))
            server.close()
    ratio, holds = None, []
    for name in subjects:
        holds.append(line(f"UNet pass, {name}", ours[name], theirs[name], "s", ratio))
        ratio = ratio or round(median_ratio(ours[name], theirs[name]), 3)
    report = heed(
        arguments, "--passes", "unet-pair", "--repeats", "1", "--size", XL_MEMORY_SIZE, "--weights",
        arguments.weights, subject=("--shapes", "sdxl"))
    peak = report["passes"][0]["peakMemory"] / 2**30
    holds.append(peak <= XL_MEMORY_BAR)
    print(f"{f'peak memory, SDXL, {XL_MEMORY_SIZE}':30}{peak:6.2f} GiB{'':37}<= {XL_MEMORY_BAR} "
          + ("holds" if holds[-1] else "MISSED"))
    return all(holds)


def median_ratio(ours, theirs):
    return statistics.median(a / b for a, b in zip(ours, theirs))


def line(title, ours, theirs, unit, bar, note=""):
    """Prints a comparison, round by round; gives whether its bar holds."""
    ratio = median_ratio(ours, theirs)
    verdict = "" if bar is None else f"<= {bar} " + ("holds" if ratio <= bar else "MISSED")
    print(f"{title:26}{statistics.median(ours):10.2f} {unit:3}  "
          f"{statistics.median(theirs):10.2f} {unit:3}  {ratio:17.3f}  {verdict:14} {note}",
          flush=True)
    return bar is None or ratio <= bar


def heading(what, arguments):
    print(f"{what}, {arguments.threads} threads")
    print(f"{'':26}{'heed':>14}  {'diffusers':>14}  {'ratio':>17}  bar", flush=True)


def compare(arguments):
    heading(f"{arguments.model}, {arguments.weights} on disk", arguments)
    holds = []
    if arguments.only != "image":
        holds += compare_passes(arguments)
    if arguments.only != "passes":
        holds += compare_image(arguments)
    return all(holds)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default="sd14", choices=["sd14", "sd21", "sdxl"])
    parser.add_argument("--model", metavar="FOLDER")
    parser.add_argument(
        "--sizes", default=f"1024x1024,{XL_MEMORY_SIZE}", metavar="LIST", help="of SDXL's pictures, in pixels")
    parser.add_argument(
        "--weights", choices=sorted(MEMORY_BARS), help="float32, or for SDXL float16 unless given")
    parser.add_argument(
        "--heed", default=f"{ROOT}/.build/release/heed", help="the program to compare")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=2, choices=range(2, STEPS + 1), metavar="N")
    parser.add_argument("--whole", action="store_true", help="make all 50 steps")
    parser.add_argument("--only", choices=["passes", "image"])
    parser.add_argument("--path", default="avx512", help="what Heed's kernels are compiled for")
    parser.add_argument("--peers", default=None, metavar="LIST", help=f"some of {', '.join(PEERS)}")
    parser.add_argument("--peer", choices=[*PEERS, "bare"], help=argparse.SUPPRESS)
    parser.add_argument("--write", metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.whole:
        arguments.steps = STEPS
    arguments.peers = arguments.peers.split(",") if arguments.peers else PEERS
    if wrong := [way for way in arguments.peers if way not in PEERS]:
        parser.error(f"--peers: {wrong[0]} is not one of {', '.join(PEERS)}")
    arguments.weights = arguments.weights or ("float16" if arguments.shapes == "sdxl" else "float32")
    if arguments.peer:
        return serve(arguments)
    if arguments.shapes == "sdxl":
        if arguments.model:
            parser.error("--shapes sdxl takes no --model: it compares shapes")
        heading(f"random weights, {arguments.weights} and float32", arguments)
        sys.exit(0 if compare_sizes(arguments) else 1)
    if arguments.write:
        return write(arguments.shapes, arguments.weights, arguments.write)
    if arguments.model:
        sys.exit(0 if compare(arguments) else 1)
    with tempfile.TemporaryDirectory() as folder:
        arguments.model = f"{folder}/{arguments.shapes}"
        subprocess.run(
            [sys.executable, __file__, "--shapes", arguments.shapes, "--weights",
             arguments.weights, "--write", arguments.model], check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        holds = compare(arguments)
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
