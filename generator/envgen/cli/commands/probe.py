"""`envgen probe`: what this host shows of its GPUs, their driver, and what could divert an install."""

from __future__ import annotations

from envgen.cli import options
from envgen.cli.output import write_answer, write_json


def probe_command(output_format: options.Format = options.OutputFormat.TEXT) -> None:
    """Show this computer's GPUs, driver, system and install settings, and what could not be asked. Changes nothing.

    Example: envgen probe --format json
    """
    from envgen.probe.document import observation_lines, observation_mapping
    from envgen.probe.observe import observe

    observation = observe()
    if output_format is options.OutputFormat.JSON:
        write_json(observation_mapping(observation))
    else:
        write_answer("\n".join(observation_lines(observation)) + "\n")
