"""Measurements; `make bench` prints them. Figures, no assertions: machines differ."""
