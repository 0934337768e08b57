"""Pages of the halls for people who come: what waits where, the machine for numbers, one's own number,
the display in the waiting room. Machine and display open only on devices that an administrator allowed."""
