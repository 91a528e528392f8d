"""The conda set, solved by py-rattler in a child process."""
