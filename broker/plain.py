r"""What others say, made harmless for a terminal: no escapes, no line ends, no turned text. Pure.

Names of pictures, reasons of nodes and what a broker answers come from other machines. What
cannot be printed is written as in Python, such as ``\x1b``.
"""

import logging
import unicodedata


def plain(text: str) -> str:
    """Return a text that stays on its line and does nothing but show itself."""
    if text.isprintable():
        return text
    return "".join(one if _shows(one) else _written(one) for one in text)


def plain_lines(text: str) -> str:
    """Return a text of several lines, each of them plain."""
    return "\n".join(map(plain, text.split("\n")))


def _shows(one: str) -> bool:
    return one.isprintable() or unicodedata.category(one) == "Zs"  # blanks of every width


def _written(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")


class PlainFormatter(logging.Formatter):
    """Writes log lines of which others have not chosen the form."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        """Return the line of a record."""
        record.message = plain(record.message)
        return plain(super().formatMessage(record))

    def formatException(self, ei: object) -> str:  # noqa: N802
        """Return a traceback: its lines stay lines."""
        return plain_lines(super().formatException(ei))  # type: ignore[arg-type]


def log_plainly(form: str, level: int = logging.WARNING) -> None:
    """Log to stderr in this form."""
    handler = logging.StreamHandler()
    handler.setFormatter(PlainFormatter(form))
    logging.basicConfig(level=level, handlers=[handler], force=True)
