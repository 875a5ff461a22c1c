"""Messages between the processes.

Unknown fields are refused; times are market times unless said otherwise.
"""

__all__: list[str] = []
