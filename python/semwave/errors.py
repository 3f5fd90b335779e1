"""Mistakes that Python itself finds, as the library's."""
from ._semwave import Error


def mistake(place: str, message: str) -> Error:
    made = Error(f"{place}: {message}")
    made.place, made.message = place, message
    return made
