"""Stage: what a prediction costs on this machine, teacher and students side by side.

`codewren bench --json` writes the JSON form of `BenchReport`, schema version 1. A *measure* is `{"name", "value",
"low", "high", "n"}` with a 95 % interval; what was not measured is null; times are seconds, sizes bytes, energies joules.
```
{
  "kind": "codewren bench", "schema_version": 1, "created": "2026-11-21T10:00:00+00:00",
  "task": {Task.to_dict()},
  "data": {"source": "valid of recipes/x.toml" | "src/ (functions found in 12 files)",
           "items": int timed, "warmup": int, "functions_per_item": 1|2},
  "settings": {"threads": [1, 2], "slices": int, "bulk_repeats": int, "cold_starts": int, "seconds": float,
               "seed": int},
  "machine": {"cpu": str, "cores": int, "affinity": [core numbers], "governor": str|null, "max_mhz": float|null,
              "virtual": bool, "ram_bytes": int|null, "system": str, "python": str,
              "versions": {"codewren": str, "torch": str, ... those in use}},
  "load": {"before": [1, 5, 15 min]|null, "during": [...]|null, "after": [...]|null,
           "others_cores": float|null,                     cores that other processes kept busy meanwhile, on average
           "stolen_cores": float|null},                    cores' time that the host of a virtual machine gave to others
  "reference": name of the model that ratios are against (the teacher, else the original, else the first) | null,
  "models": [{
    "name": str, unique
    "kind": "bundle"|"teacher"|"original",
    "label": one line for people, for "original": "CodeBERT's architecture, random weights, ...",
    "path": str|null, "sha256": str|null, "config": {StudentConfig}|null,
    "size_bytes": int|null,                                bundle: whole file; teacher: weight files; original: fp32
    "parameters": int|null,
    "flops": {"value": float, "tokens": float, "how": str}|null,   really done: mean item, mean tokens of a function
    "papers_flops": {"value": int, "length": 514}|null,    both papers' formula
    "latency": [{                                          one at a time; one entry for each of settings.threads
      "threads": int, "median_s": measure, "mean_s": measure, "p95_s": measure, "processor_s": measure|null,
      "cores_busy": float, "items_s": [seconds of each item], "functions_per_item": 1|2,
      "times_faster": measure|null                         against the reference, on the items both were timed on
    }],
    "throughput": [{"threads": int, "items_per_s": measure, "functions_per_s": measure, "items": int}],   in bulk
    "cold_start_s": measure|null,                          new process: start, load, first prediction
    "peak_memory_bytes": measure|null,                     of such a process, all its timed items one by one
    "energy": {                                            one at a time on one thread, idle power taken off
      "joules_per_1000": measure, "above_noise": bool, "repeats": int, "items": int, "seconds": float,
      "co2e_g_per_1000": measure|null,
      "plausible_joules_per_1000": [low, high]             the interval widened by what a modelled meter may be off
    }|null
  }],
  "energy": {
    "meter": {"label": "measured by RAPL (...)"|"modelled: ...", "measured": bool,
              "factor": float,                             a modelled figure may be off by this factor either way, else 1
              "passed_over": ["RAPL: why not", ...]},
    "idle_w": measure|null,
    "grid": {"g_per_kwh", "country", "name", "year", "source"}|null,
    "spent": {"joules": float, "co2e_g": float|null, "stages": {"search": J, "distil": J, ...}, "meters": [label, ...],
              "source": str}|null,
    "break_even": [{"student": name, "teacher": name, "predictions": float|null, "low": float|null, "high": float|null,
                    "note": str}]
  }|null,
  "warnings": [str, ...]
}
```
"""

SCHEMA_VERSION = 1
