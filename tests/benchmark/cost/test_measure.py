"""Measures of a record, from times."""

import pytest

from benchmark.cost import measure, timing


@pytest.mark.parametrize(("device", "throughput"), [("cpu", 4000), ("cuda", 16_000)])
def test_throughput_is_in_images_a_second(device, throughput):
    key = ("cnn", None)
    times = {kind: {key: [[4.0]] * 6} for kind in (*timing.KINDS, "ratio")}  # ms; 16 images on a CPU, 64 on CUDA
    measures = measure._measures(times, key, device)
    assert (measures["throughput_per_s"], measures["latency_ms"]) == (throughput, 4)
