"""Measurements of escalator against raw HTTP clients and peers, all as ratios taken in one run.

python -m benchmarks            # lists them
python -m benchmarks overhead   # runs one, or several
"""
