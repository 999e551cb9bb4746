"""The account of a network: what every layer costs.

Imports the standard library only, so that an account is printed without loading a framework.
"""

from striate.accounting.counts import CONVENTION as CONVENTION
from striate.accounting.counts import Counts as Counts
from striate.accounting.rows import Account as Account
from striate.accounting.rows import Row as Row
from striate.accounting.rows import account as account
