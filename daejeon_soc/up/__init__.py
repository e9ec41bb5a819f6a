"""Brings a city up on this machine (`make run`) and runs the checks (`make test`): docs/adr/0003."""
