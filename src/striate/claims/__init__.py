"""The numbers that five posts on convolutional networks give, each worked out again.

Striate began with these posts, 000 to 004. Every claim of theirs that an account can answer stands here with the value
that Striate computes for it, so that a change of a network or of the account that changes an answer is noticed.
"""

from striate.claims import post_000, post_001, post_002, post_002_networks, post_003, post_004
from striate.claims.claim import Claim as Claim
from striate.claims.claim import Verdict as Verdict

CLAIMS: tuple[Claim, ...] = (
    *post_000.CLAIMS,
    *post_001.CLAIMS,
    *post_002.CLAIMS,
    *post_002_networks.CLAIMS,
    *post_003.CLAIMS,
    *post_004.CLAIMS,
)
"""Every claim, in the order of the posts."""
