"""The mathematics of comparisons: functions of numbers, without a database.

Methods are those that are named beside them; what a library does well is left to it (scipy, choix).
scipy takes most of a second to import, so it is imported where it is used. Nothing returns NaN or
infinity: what is not defined is None.
"""
