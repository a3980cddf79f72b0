"""Read the date that a feed states: the moment that is meant, or nothing.

DateReader().read("Fri, 27 Nov 2026 10:00 CET"):
    the two usual spellings                     at once
    clock.time_of_day, clock.time_zone          take the time and its zone out of the text
    days.day_of                                 reads the whole rest as a day
    month_names                                 names of months; dateparser for other languages
    regions                                     what a date means that several countries write alike
"""

from aggregator.parse.dates.reader import DateReader, newest_first

__all__ = ["DateReader", "newest_first"]
