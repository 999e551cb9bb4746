"""What every layer costs. Standard library only: an account is there before any framework is loaded."""

from striate.accounting.counts import CONVENTION as CONVENTION
from striate.accounting.counts import Counts as Counts
from striate.accounting.rows import Account as Account
from striate.accounting.rows import Row as Row
from striate.accounting.rows import account as account
