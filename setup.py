"""The part that is compiled, where there is a C compiler; all else is in setup.cfg."""

from setuptools import Extension, setup

setup(ext_modules=[Extension("streams.compiled", ["streams/compiled.pyx"], optional=True)])
