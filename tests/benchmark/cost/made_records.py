"""Records of costs as a measurement leaves them, with numbers that are made up."""

from benchmark import evidence
from benchmark.cost.records import COSTS

MACHINE = {"processor": "a processor", "kind": "1", "system": "Linux"}


def measures(kept=None, ratio=1.0, blocks=6, **counts):
    """What was measured of a model at one kept share; its latency is 2 ms times ``ratio``."""
    latency = 2 * ratio
    times = {"latency_ms": latency, "latency_quartiles": [0.9 * latency, 1.1 * latency], "latency_ratio": ratio}
    times |= {"latency_ratio_interval": [0.99 * ratio, 1.01 * ratio], "throughput_per_s": 400 / ratio}
    times["latency_ratio_blocks"] = [ratio * (1 + block / 1000) for block in range(blocks)]
    return {"kept_share": kept, "params": 1000, "macs": 5_000_000} | times | counts


def write(shape, model, *by_share, machine=MACHINE, blocks=8, digest="of the reference"):
    """Write the record of a model at a shape that is named after its device and size, such as cpu-32."""
    device, _, size = shape.partition("-")
    record = {
        "device": device,
        "images": "phantom",
        "precision": "float32",
        "layout": "channels-last",
        "machine": machine | ({"accelerator": "a GPU"} if device == "cuda" else {}),
        "versions": {"torch": "2.0"},
        "input": [1, int(size), int(size)],
        "batch": 16,
        "reference": {"model": "emanet", "kept_share": 0.5, "digest": digest},
        "blocks": blocks,
        "measures": list(by_share),
    }
    evidence.write_json(COSTS / shape / f"{model}.json", record)
