"""Second, plainly written implementations of paper matching, grid and staged bot.

Written from the definitions alone, to be compared with the bot's own code; they share nothing with
it. They are slow: every list is looked through as a whole at each step.
"""
