"""Methods of analysis, one module each, behind one Protocol. They import numpy and TA-Lib: only the
worker's role may import them.
"""

__all__: list[str] = []
