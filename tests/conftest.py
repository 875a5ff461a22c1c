"""What every test relies on."""

import decimal

# As the processes do at their start: sums and products of money are exact.
for _context in (decimal.DefaultContext, decimal.getcontext()):
    _context.prec = 60
