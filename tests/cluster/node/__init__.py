"""A whole Kubernetes node on this machine, without Docker: root on Linux.

The control plane and the node run in namespaces of their own whose process 1 owns everything, so
that the end of one process is the end of all.
"""
