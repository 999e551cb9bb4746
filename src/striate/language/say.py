"""The words of figures and reports in the reader's language. The code has them in English, `korean.py` in Korean.

The language is English unless the caller says otherwise:

>>> with speaking("ko"):
...     say("the image")
'이미지'
>>> say("the image")
'the image'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from markupsafe import Markup

from striate.errors import unknown_name
from striate.language.korean import NOUNS, RECORDED, WORDS
from striate.wording import counted

LANGUAGES = {"en": "English", "ko": "한국어"}
"""The languages of figures and reports, each by its own name."""
_language: ContextVar[str] = ContextVar("language", default="en")


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Figures and reports that are made within are in `language`. Raises UnknownNameError for one that there is not."""
    if language not in LANGUAGES:
        raise unknown_name("language", language, LANGUAGES)
    before = _language.set(language)
    try:
        yield
    finally:
        _language.reset(before)


def language() -> str:
    """The language that is spoken here, "en" or "ko"."""
    return _language.get()


def say(text: str, **values: object) -> str:
    """A text in the language that is spoken here; `{name}` in it stands for a value.

    >>> say("map {unit}, up to {strongest}", unit=3, strongest="1.2")
    'map 3, up to 1.2'
    """
    return _told(text).format(**values) if values else _told(text)


def say_html(text: str, **values: object) -> Markup:
    """The same for a text with HTML in it; the values are escaped."""
    return Markup(_told(text)).format(**values)


def say_count(count: int, noun: str) -> str:
    """A count with its noun.

    >>> with speaking("ko"):
    ...     say_count(60_000, "image")
    '이미지 60,000개'
    """
    return f"{NOUNS[noun]} {count:,}개" if language() == "ko" else counted(count, noun)


def _told(text: str) -> str:
    return WORDS.get(text, text) if language() == "ko" else text


def retold(text: str) -> str:
    """A text that a run has recorded in English, in the language that is spoken here; one of no known form stays.

    >>> with speaking("ko"):
    ...     retold("12 epochs")
    '에포크 12개를 마침'
    """
    if language() == "ko":
        for form, korean in RECORDED.items():
            if found := re.fullmatch(form, text):
                return korean.format(**found.groupdict())
    return text
