"""How fast envgen is, and how much memory it takes, measured on the machine at hand.

    PYTHONPATH=tests python -m benchmarks [NAME...] [--quick] [--format text|json] [--cache DIR] [--records DIR]

| name | measures |
| --- | --- |
| `resolve` | a new process that decides: `envgen resolve --gpu "GeForce MX450" --platform win-64 --driver 560.94` |
| `generate` | a new process that writes the whole set of files from a shipped lock, into an empty folder |
| `decisions` | 10,000 decisions in one process, drawn from all GPUs, platforms, Pythons and drivers |
| `sharded`, `monolithic` | a conda lock end to end from an invented channel of the size of conda-forge |
| `records` | the same from real records (`--records DIR`, laid out as `DIR/conda-forge/SUBDIR/repodata.json.zst`) |

Without a name all of them run. Times are medians of several rounds, each round with one run of each command and one of
`python -c pass`, so that a busy moment meets both; a ratio to `python -c pass` can be compared between machines, a time
can't. Nothing leaves the machine: the benchmark serves the channels itself, on the loopback interface.

`--quick` takes fewer rounds, fewer decisions and a channel of a twentieth of the size (the output says so).
`--cache DIR` keeps the invented channel between runs; making it anew takes about ten seconds and 85 MB. The exit status
is 0 when everything ran, whether or not a target was met: how fast a machine is decides that as well.
"""
