"""Prints what vLLM's wheel requires, for pip: without the local version of PyTorch, and without what only audio needs.

usage: requirements.py WHEEL      (with the Python of the environment that it will be installed into)
"""
import sys
import zipfile
from email.parser import Parser

from pip._vendor.packaging.requirements import Requirement

AUDIO = {"torchaudio", "torchcodec"}

with zipfile.ZipFile(sys.argv[1]) as wheel:
    metadata = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    lines = Parser().parsestr(wheel.read(metadata).decode()).get_all("Requires-Dist")
for requirement in map(Requirement, lines):
    if requirement.name in AUDIO or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
        continue
    requirement.marker = None
    print(str(requirement).replace("+cpu", ""))
