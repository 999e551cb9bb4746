"""What every layer costs. Standard library only: an account is there before any framework is loaded."""

from striate.account.account import Account as Account
from striate.account.account import Row as Row
from striate.account.account import account as account
from striate.account.counts import CONVENTION as CONVENTION
from striate.account.counts import Counts as Counts
