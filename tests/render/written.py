"""Files as a run writes them, for the tests of planning and writing."""

from __future__ import annotations

from envgen.render.header import Header, body_digest, compose, run_digest

NAMES = ("conda-lock.yml", "environment.yml", "requirements.txt", "smoke_test.py")


def a_file(body: str, run: str, command: str = "envgen --gpu x") -> str:
    return compose(
        body,
        Header(title="0.1.0: t", command=command, lines=("a fact",), catalog="c", run=run, body=body_digest(body)),
    )


def a_run(mark: str, *, names: tuple[str, ...] = NAMES, size: int = 1) -> dict[str, str]:
    """File name -> text of one run; another mark is another run."""
    bodies = {name: f"{name} of {mark}\n" * size for name in names}
    run = run_digest(bodies, [mark])
    return {name: a_file(body, run) for name, body in bodies.items()}
