"""The packages of torchreel: the checkout itself is the package, so its folders are found under its name."""

from setuptools import find_packages, setup

ROOMS = ("assets", "publish", "render", "scenes")

setup(
    script_name="setup.py",  # not a module of the package
    packages=[
        "torchreel",
        *(f"torchreel.{name}" for name in find_packages(include=[*ROOMS, *(f"{room}.*" for room in ROOMS)])),
    ],
)
