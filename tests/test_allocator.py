"""Workers keep freed memory: the next image's arrays cost no page faults."""

import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from benchmark.allocator import keep_freed_memory
if sys.argv[1] == "kept" and not keep_freed_memory():
    sys.exit("not supported")
def images():
    for _ in range(50):
        arrays = [np.ones(300_000) for _ in range(4)]
        del arrays
images()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
images()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_arrays_of_the_next_image_cost_no_page_faults():
    kept = subprocess.run([sys.executable, "-c", FAULTS, "kept"], capture_output=True, text=True, check=False)
    if "not supported" in kept.stderr:
        pytest.skip("this C library has no mallopt")
    assert kept.returncode == 0, kept.stderr
    assert int(kept.stdout) < 100, "50 images of 2,400 pages each"
