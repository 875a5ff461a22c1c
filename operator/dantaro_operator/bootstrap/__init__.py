"""Builds what each command needs: the only place that names concrete classes.

`local` is for one machine and never loads kopf; `cluster` is the operator.
"""

__all__: list[str] = []
