"""The conformance kit: does a component keep the contract of its kind?

One decorator makes a test of it, and one call gives the checks themselves:

    @conformance("vision", "albefkit-swin/swin", options={"width": 32})
    def test_conformance(check):
        check()
"""

from albefkit.testing.contract import ContractBroken, DoesNotApply
from albefkit.testing.door import Check, checks, conformance

__all__ = ["Check", "ContractBroken", "DoesNotApply", "checks", "conformance"]
