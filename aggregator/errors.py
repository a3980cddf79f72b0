"""The errors that a person has to fix.

    GroundswellError                 one sentence: the thing, and the way out
    +-- ConfigError                  feeds.yaml: file, line, column, what was expected
    +-- StoreError                   the database cannot be used as it is
    |   +-- NewerDatabaseError       written by a newer version of the program
    |   +-- DatabaseInUseError       a second worker on the same database
    +-- StreamError                  a recorded stream that cannot be read at all
    +-- ModelFileError               a model file of another version, or a broken one
    +-- MeaningError                 the sentence encoder that feeds.yaml names cannot be used
    +-- DecisionError                an editor's decision that cannot be: of stories or entries that are not there
    +-- OpmlError                    a list of feeds that cannot be read at all
    +-- NotAFeedError                a document that contains no feed (a value on its source's row)

What the world does daily (a feed that times out, a document that is no feed) is
a value, `model.Failed`; `NotAFeedError` exists only between `parse` and its caller.
"""

from __future__ import annotations

from dataclasses import dataclass, field


class GroundswellError(Exception):
    """Something that a person has to fix; its text is one sentence for them."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One error in `feeds.yaml`, at a line and column counted from 1."""

    line: int
    column: int
    message: str
    """For the operator: it may quote a value."""
    public: str = field(default="", compare=False)
    """For the site's pages and the log: key, line and kind, never a value. "": the message quotes none."""


class ConfigError(GroundswellError):
    """`feeds.yaml` cannot be used; its text has one line for each of *faults*.

    public: the same without values of the file, which may be passwords; "" if the text quotes none
    """

    def __init__(self, message: str, faults: tuple[Fault, ...] = (), *, public: str = "") -> None:
        super().__init__(message)
        self.faults = faults
        self.public = public or message


class StoreError(GroundswellError):
    """The database cannot be used as it is."""


class StoreFault(Exception):
    """A read or a write failed: the disk is full, the database is locked, damaged or out of reach."""


class ReadOnlyFault(StoreFault):
    """A write was refused because the database can only be read: it is a replica."""


class LeaseLostError(Exception):
    """A poll cannot be stored: this process may not poll that host any more, and another does."""


class NewerDatabaseError(StoreError):
    """The database was written by a newer version of the program."""


class DatabaseInUseError(StoreError):
    """Another worker holds this database."""


class StreamError(GroundswellError):
    """A recorded stream cannot be read at all."""


class ModelFileError(GroundswellError):
    """A model file is of another version, or broken."""


class MeaningError(GroundswellError):
    """The sentence encoder that feeds.yaml names is not installed, or not what it should be."""


class DecisionError(GroundswellError):
    """What an editor decided cannot be done."""


class OpmlError(GroundswellError):
    """A list of feeds cannot be read at all."""


class NotAFeedError(GroundswellError):
    """A document contains no feed; `feeds` are the addresses of feeds that it names."""

    def __init__(self, message: str, feeds: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.feeds = feeds
