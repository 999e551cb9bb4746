"""The numbers that five posts on convolutional networks give, each worked out again.

Striate began with these posts, 000 to 004. Every claim of theirs that an account, or a figure that the catalogue keeps
of a paper, can answer stands in `CLAIMS` with the value that Striate has for it, so that a change of a network or of
the account that changes an answer is noticed. The others stand in `UNCOMPUTED`, with the reason.
"""

from striate.claims import (
    post_000,
    post_001,
    post_002,
    post_002_alexnet,
    post_002_resnet,
    post_002_vgg,
    post_003,
    post_004,
)
from striate.claims.claim import Claim as Claim
from striate.claims.claim import Reason as Reason
from striate.claims.claim import Uncomputed as Uncomputed
from striate.claims.claim import Verdict as Verdict
from striate.claims.posts import POSTS as POSTS
from striate.claims.posts import Post as Post
from striate.claims.uncomputed import UNCOMPUTED as UNCOMPUTED

CLAIMS: tuple[Claim, ...] = (
    *post_000.CLAIMS,
    *post_001.CLAIMS,
    *post_002.CLAIMS,
    *post_002_alexnet.CLAIMS,
    *post_002_vgg.CLAIMS,
    *post_002_resnet.CLAIMS,
    *post_003.CLAIMS,
    *post_004.CLAIMS,
)
"""Every claim that is computed, in the order of the posts."""
