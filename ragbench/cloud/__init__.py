"""Run a command on a machine in the cloud. Each platform is one file, a plugin."""
