"""Records a tiny pipeline into each folder named on standard input, in a process of its own that may be killed.

Prints the number of the process once the pipeline runs, and then how it ended: its exit code, or the negative number of
the signal. The libraries are loaded once, so that a recording takes parts of a second.
"""

import os
import sys

import heed_record
import torch
from tiny_pipelines import NAMED, PROMPT

torch.set_num_threads(1)
tiny = NAMED["sd35"]
pipeline = tiny.make()
arguments = dict(tiny.arguments(seed=1), num_inference_steps=8)


def record(folder: str) -> None:
    def told(*_: object) -> None:
        print(os.getpid(), flush=True)
        hook.remove()

    with heed_record.Recorder(pipeline, folder, PROMPT, seed=1, subjects=["cat"]) as recording:
        hook = pipeline.transformer.register_forward_pre_hook(told)
        recording.picture(pipeline(prompt=PROMPT, **arguments).images[0])


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        record(line.rstrip("\n"))
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    print(os.waitstatus_to_exitcode(status), flush=True)
