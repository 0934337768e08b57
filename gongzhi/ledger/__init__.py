"""The record that anyone can check: acts, their Merkle tree, signed checkpoints, proofs.

`acts.record` is called inside the transaction of every change; `sequencer` puts the acts into an
RFC 6962 tree kept as C2SP tlog-tiles; `verification` recomputes all of it. Published are only
salted commitments, never content. The lowest room: imports no other.
"""
