"""Remakes fact tables from their sources.

    python -m envgen.refresh TASK           print what would change, as a unified diff on stdout
    python -m envgen.refresh TASK --write   change the files

| task         | reads                                    | writes                                               |
| ------------ | ---------------------------------------- | ---------------------------------------------------- |
| `wheels`     | PyTorch's CUDA indexes                   | `wheels.csv`: names and hashes that are new          |
| `pypi-torch` | PyPI's pages of torch and its companions | `builds/*.toml`: Pythons of PyPI's own builds        |
| `arch-lists` | PyPI's torch wheels, a few MB of each    | `torch_measured.csv`, `torch_requires.csv`, `builds` |
| `index-lists`| a wheel of each build of the CUDA indexes| `torch_measured.csv`: Windows and the other tags     |
| `companions` | PyPI's metadata of the companions        | `builds/*.toml`: those that pin a torch              |
| `pins`       | `torch_requires.csv`                     | `torch_pins.csv`                                     |
| `conda`      | the list of files of conda-forge/pytorch | `builds/*.toml`: Pythons of conda's builds           |
| `drivers`    | NVIDIA's list of data centre drivers     | `driver_branches.csv`: the last of each branch       |
| `toolkits`   | PyPI, and the checksums of the runfiles  | `cuda_toolkits.csv`                                  |
| `published`  | the list behind pytorch.org/get-started  | nothing: findings about builds that it offers        |
| `pci-ids`    | pci.ids                                  | `gpus.csv`: more ids of the names it has             |
| `reports`    | a file of issues made from the form      | `arch_reports.csv`                                   |
| `compile`    | `builds/*.toml` and what was measured    | `torch_builds.csv`, `conda_builds.csv`, companions   |
| `revision`   | every table                              | `REVISION`                                           |

That is also the order to run them in: each reads what the ones before it write. The files of the releases
(`builds/2.15.0.toml`) are for people and tasks to edit; each task that changes one writes the tables made from it too.
A build with a row in `torch_measured.csv` is one that was measured.

What a source can't decide becomes a finding on stderr, never a row: a release that no row knows, an arch list that is
not the table's, a file that is gone. A hash that is not the known one is an error; then nothing is written, not even
what is undisputed. A page that is cut off or is no such page stops the task. Every table is checked against its schema
before it is written.

Exit status: 0 nothing to change, or written; 1 differences that were not written, or findings; 2 usage; 4 a table or a
row that breaks its rules; 5 the network, or what a server sent.

Fetching and parsing are apart: `index_pages` and `ranges` fetch; the other modules take what was fetched and need no
network. No other room imports this one.
"""
