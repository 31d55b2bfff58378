"""`python -m ssdgm_export`."""

from ssdgm_export import cli

if __name__ == "__main__":
    cli.main()
