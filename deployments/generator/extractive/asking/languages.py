"""In which language a question is, as far as that explains why nothing answers it."""

from collections import Counter
from collections.abc import Sequence

from deployments.contracts.search import ScoredChunk
from deployments.generator.extractive.reading.sentences import language_of
from deployments.generator.extractive.reading.terms import words

_WORDS = {
    "German": """der die das und ist nicht wie ich ein eine einen kann mit für auf aus dem den im
        wird werden welche was wo warum wann sind es wenn man""",
    "French": """le la les des est une un et comment dans pour quels quelle quelles quel que qui
        avec sont sur je puis peut pourquoi quand du ce""",
    "Spanish": """el la los las de del es una un y cómo como puedo puede para por con qué cuál
        cuáles son en se dónde cuándo no""",
    "Italian": """il lo la gli le di del della è una un e come posso può per con che cosa quali
        quale sono in si dove quando non""",
    "Portuguese": """o os as de do da é uma um e como posso pode para por com que qual quais são
        em se onde quando não""",
    "Dutch": """de het een en is niet hoe ik kan met voor op uit van wordt worden welke wat waar
        waarom wanneer zijn als""",
    "English": """the a an and is are not how do does i can with for on of to in what which when
        where why who it if my be""",
}
"""Small words by which a language in Latin letters is told."""

_TELLING = {name: frozenset(said.split()) for name, said in _WORDS.items()}
_SCRIPTS = {
    "zh": "Chinese",
    "ja": "Japanese",
    "ko": "Korean",
    "th": "Thai",
    "hi": "Hindi",
    "ar": "Arabic",
    "el": "Greek",
    "ru": "Russian",
    "he": "Hebrew",
    "hy": "Armenian",
    "my": "Burmese",
    "km": "Khmer",
}
_MIN_WORDS = 2
_READ_CHARS = 2000


def missing_language(question: str, context: Sequence[ScoredChunk]) -> str:
    """Returns a sentence that says so where the question is in a language in which none of the
    passages is, or may be where there are none; empty elsewhere."""
    asked = _language(question)
    if asked in (None, "English"):
        return ""
    if not context:
        return f"The question is in {asked}: ask in the language of the documents if it is another."
    if any(_language(hit.chunk.text[:_READ_CHARS]) == asked for hit in context):
        return ""
    return f"The question is in {asked}, and nothing that was found is in that language."


def _language(text: str) -> str | None:
    """Returns the language by its script, else by its small words; None where they tell none."""
    script = language_of(text)
    if script != "en":
        return _SCRIPTS.get(script)
    counted = Counter(part for word in words(text) for part in word.split("-"))
    scores = {name: sum(counted[word] for word in telling) for name, telling in _TELLING.items()}
    best = max(scores, key=lambda name: scores[name])
    is_clear = sum(score == scores[best] for score in scores.values()) == 1
    return best if scores[best] >= _MIN_WORDS and is_clear else None
