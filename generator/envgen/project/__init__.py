"""The same decision in the words of a project's own tool: uv, pixi, a Dockerfile. Solves nothing."""
