"""What Python callers use, as `import envgen` offers it: three calls and the frozen values that they return.

The values hold text and numbers only, so that the rooms behind them can change; the command line prints the same
values as JSON.
"""
