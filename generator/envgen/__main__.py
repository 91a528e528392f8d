"""`python -m envgen`: the same as the console script."""

from envgen.cli.main import run

if __name__ == "__main__":
    run()
