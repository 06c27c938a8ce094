"""In what form a question wants its answer: a sentence, a block that is shown whole, steps."""

import re
from dataclasses import dataclass
from typing import Literal

from deployments.generator.extractive.reading.analysis import Sentence
from deployments.generator.extractive.reading.terms import stem

Form = Literal["sentence", "example", "list", "steps"]

_EXAMPLE = re.compile(
    r"^(?:please )?(?:can you |could you )?(?:show|give|print|display)\b"
    r"|\b(?:an?|the|some|any|another) (?:[\w-]+ )?(?:example|sample|snippet|template)s?\b"
    r"|^(?:example|sample|snippet)s?\b|\b(?:example|snippet)s? (?:of|for|with)\b"
    r"|^(?:what|how) (?:does|do|would|should|is|are) .* looks? like\b|^how (?:does|do) .* look\b",
    re.IGNORECASE,
)
_LIST = re.compile(
    r"^(?:list|name|enumerate)\b|\b(?:which|what)(?: [\w-]+){0,3}? (?:flags|options|arguments|"
    r"parameters|fields|settings|headers|metrics|columns|steps|commands|keys|values|variables|"
    r"attributes|properties|endpoints|routes|events|formats|types|kinds|ways|methods|codes|labels|"
    r"limits|bounds|categories|reasons|requirements|roles|scopes|stages|phases)\b",
    re.IGNORECASE,
)
_STEPS = re.compile(
    r"^(?:so |and |please )?how (?:do|does|can|could|would|should|must|may|to)\b|\bhow to\b",
    re.IGNORECASE,
)
_PLAIN: Form = "sentence"
_PATTERNS: tuple[tuple[Form, re.Pattern[str]], ...] = (
    ("example", _EXAMPLE),
    ("list", _LIST),
    ("steps", _STEPS),
)
"""The first that fits decides."""
_FORM_WORDS = (
    "show give print display example examples sample samples snippet template please look looks "
    "like list name enumerate code block"
)
DRAWINGS = frozenset(("mermaid", "plantuml", "dot", "graphviz"))
"""Languages of code that draws something, and is no example of anything else."""

_LANGUAGES = {
    "yaml": ("yaml", "yml"),
    "json": ("json", "jsonl"),
    "toml": ("toml",),
    "python": ("python", "py", "pycon"),
    "bash": ("bash", "sh", "shell", "console"),
    "shell": ("bash", "sh", "shell", "console"),
    "curl": ("bash", "sh", "shell", "console"),
    "command": ("bash", "sh", "shell", "console"),
    "diagram": tuple(sorted(DRAWINGS)),
    "dockerfile": ("dockerfile", "docker"),
    "sql": ("sql",),
    "javascript": ("javascript", "js"),
    "typescript": ("typescript", "ts"),
    "go": ("go",),
    "rust": ("rust",),
    "java": ("java",),
    "html": ("html",),
    "xml": ("xml",),
    "ini": ("ini", "cfg"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """The form of an answer.

    Attributes:
        form: `example` wants a block and nothing else; `list` the items of a list or the rows of a
            table; `steps` a sentence with what it leads into.
        languages: Of the code that is wanted, as a fence names them; empty for any.
        form_terms: Terms of the question that ask for the form, and are looked for nowhere.
    """

    form: Form
    languages: frozenset[str]
    form_terms: frozenset[str]


def wish_of(question: Sentence) -> Wish:
    """Returns the form in which a question wants its answer."""
    text = question.text.strip()
    form = next((kind for kind, pattern in _PATTERNS if pattern.search(text)), _PLAIN)
    if form != "example":
        return Wish(form, frozenset(), frozenset())
    languages = frozenset(name for word in question.words for name in _LANGUAGES.get(word, ()))
    form_terms = frozenset(map(stem, _FORM_WORDS.split()))
    named = frozenset(stem(word) for word in question.words if word in _LANGUAGES)
    kept = question.terms - form_terms - named
    return Wish(form, languages, form_terms | named if kept else frozenset())
