"""From a conversation and its context to the messages that a language model reads.

A prompt is a file of `prompts/` with a version in its name, so that an answer can say which one it
was written with; a changed text is a new file. What clients and documents say is data: it is fenced
off, and what could end a fence or a turn in it is made harmless first.
"""

import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from deployments.contracts.documents import Markup
from deployments.contracts.errors import ConfigError, InvalidRequest
from deployments.contracts.generation import Message
from deployments.contracts.search import ScoredChunk
from deployments.contracts.tools import ToolCall
from deployments.generator.extractive.engine import NO_INFORMATION
from deployments.generator.extractive.reading.marks import without_marks, without_marks_in
from deployments.words.invisible import drop_invisible

_STEPS = ("condense", "queries", "passage", "filter")
SEARCH_PROMPTS = "search"
"""What names of prompts begin with that are for a model that searches by itself."""
_TOOLS = "tools-v1"
"""What every answer prompt is followed by where functions are offered."""
_FOLDER = Path(__file__).with_name("prompts")
_SUFFIX = ".jinja"
_FENCE_BYTES = 5
_ATTRIBUTE_CHARS = 200
"""Longest value of a fence's attribute."""
_GAP = r"[\s\u0300-\u036f\u200c\u200d\ufe0e\ufe0f]*"
"""What readers skip: white space, strokes through a letter, joiners."""
_SPEAKING = ("Human", "Assistant", "System", "User", "Developer")
_ROLES = "Instruction|Response|Input|System|User|Human|Assistant"


class _LookAlikes(dict[int, str]):
    """Letters, brackets and bars that look like those of ASCII, for matching alone: those listed,
    and what is one of them in another typeface."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        plain = unicodedata.normalize("NFKC", character)
        known = plain if len(plain) == 1 and plain.isascii() and plain > " " else character
        self[code] = known
        return known


_LOOK_ALIKES = _LookAlikes(
    {ord("｜"): "｜"}  # a bar of tokens by itself
    | dict(zip(map(ord, "﹤﹥⁄∕‹›〈〉⟨⟩∣ǀ│┃❘⏐￨"), "<>//<><><>|||||||", strict=True))
    | dict(zip(map(ord, "аеорсухѕіјтнгпυοсԁԍոսոո"), "aeopcyxsijthrnuocdgnunn", strict=True))
)
_SPEAKERS = "|".join(f"{name}|{name.upper()}" for name in _SPEAKING)
"""Roles as lines of a dialogue; in small letters they are keys of configuration files."""
_FENCES = "|".join(_GAP.join(tag) for tag in ("source", "turn"))
_CONTROL = re.compile(
    rf"""
      <(?={_GAP}(?:/{_GAP})?(?i:{_FENCES})(?![^\W\d_]))         # our own fences, however written
    | <(?=[|｜]|/?[\w▁]{{1,64}}[|｜]>)                        # ChatML, Llama 3, DeepSeek, Gemma 4
    | <(?=/?(?i:s|bos|eos|pad|unk|mask|sep|sop|eop|eo[adhms])\s*>) # Llama 2, Mistral, Gemma, GLM
    | <(?=/?(?i:think|thinking|tools?|tool_(?:calls?|response|result|sep))>)  # Qwen, Hermes
    | <(?=/?(?i:tool_use|function(?:_calls?)?|invoke|fim_\w{{1,32}}|file_sep|scratch_?pad)\b)
    | <(?=/?\w{{1,32}}_of_\w{{1,32}}>)                          # Gemma: start_of_turn
    | <(?=<{_GAP}(?:/{_GAP})?SYS)                             # Llama 2
    | <(?=\w{{1,32}}_TOKEN>)                                   # Cohere
    | <(?=/?(?:seed:\w{{1,32}}|(?:reserved_|unused|extra_id_)\d{{1,6}})>)
    | \[(?=/?(?:INST|SYSTEM_PROMPT|MODEL_SETTINGS|AVAILABLE_TOOLS|TOOL_(?:CALLS|RESULTS|CONTENT))\])
    | \[(?=/?(?:THINK|ARGS|CALL_ID|IMG|IMG_BREAK|IMG_END|AUDIO|PREFIX|MIDDLE|SUFFIX|[gs]MASK)\])
    | \[(?=[|｜]\w{{1,32}}[|｜]\]|e~\[)|\](?=~!?b[\[\]])         # EXAONE, MiniMax
    | \#(?=\#\#+{_GAP}(?i:{_ROLES})\b)                         # Alpaca
    | <(?=/?(?i:system|assistant|human|system_prompt)>)        # roles as elements
    | (?:(?:^|(?<=[\r\v\f\x85\u2028\u2029]))[ \t>*_]{{0,8}}(?:{_SPEAKERS})[*_]{{0,2}}[ ]{{0,2}}):
    | [\ud800-\udfff]                                         # half a character: not text
    """,
    re.VERBOSE | re.MULTILINE,
)
_HARMLESS = {"<": "‹", "[": "⟦", "]": "⟧", "#": "＃", ":": "："}
_UNFIT_FOR_ATTRIBUTES = str.maketrans({"<": "‹", ">": "›", '"': "'"})
_ENVIRONMENT = ImmutableSandboxedEnvironment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=False,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


@cache
def prompt_names() -> tuple[str, ...]:
    """Returns the names of the prompts that there are, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob(f"*{_SUFFIX}")))


def render_answer(
    name: str,
    messages: Sequence[Message],
    context: Sequence[ScoredChunk],
    *,
    fence: str | None = None,
    with_tools: bool = False,
) -> tuple[Message, ...]:
    """Returns the conversation that asks for an answer from the context.

    One system message comes first: the prompt's own, whose text is always the same so that engines
    find it in their prefix cache, then what the client's system messages say. The earlier turns
    follow, then the sources, numbered by rank, with the question, and last the calls that it has
    led to with what came of them. Data loses control tokens (see `neutralise`), sources lose what
    looks like our citations, and all is otherwise unchanged.

    Args:
        name: Name of an answer prompt.
        messages: The conversation, oldest first; the last one is the user's, or a tool's.
        context: Chunks that the answer may use, in the order in which they are shown.
        with_tools: Whether functions are offered.
        fence: The word of the fences around sources, which no source can know; one by chance for
            each call if none.

    Raises:
        ConfigError: no such prompt.
        InvalidRequest: the last message is neither the user's nor a tool's.
    """
    template = _template(name, ("answer",))
    before, question, after = _around_question(messages)
    system = [template]
    if with_tools or any(message.role == "tool" for message in messages):
        system.append(_template(_TOOLS, ("tools",)))
    values = {
        "no_information": NO_INFORMATION,
        "fence": fence or secrets.token_hex(_FENCE_BYTES),
        "instructions": _instructions(messages),
        "sources": [_Source.of(hit) for hit in context],
        "question": neutralise(question).strip(),
    }
    return (
        Message("system", "\n\n".join(_render(one, "system", values) for one in system)),
        *_turns(before),
        Message("user", _render(template, "user", values)),
        *_turns(after),
    )


def render_search(
    name: str,
    messages: Sequence[Message],
    context: Sequence[ScoredChunk],
    *,
    fence: str | None = None,
) -> tuple[Message, ...]:
    """Returns the conversation of a model that searches by itself: the turns as they are, and in
    those of its searches what of the context they found.

    Args:
        name: Name of a prompt for searches.
        messages: As for `render_answer`.
        context: Chunks that may be shown.
        fence: As for `render_answer`.

    Raises:
        ConfigError, InvalidRequest: as for `render_answer`.
    """
    template = _template(name, (SEARCH_PROMPTS,))
    _around_question(messages)
    chunks = {hit.rank: _Source.of(hit) for hit in context}
    values = {
        "no_information": NO_INFORMATION,
        "fence": fence or secrets.token_hex(_FENCE_BYTES),
        "instructions": _instructions(messages),
    }

    def shown(turn: Message) -> Message:
        if turn.found is None:
            return turn
        sources = [chunks[rank] for rank in turn.found if rank in chunks]
        content = _render(template, "found", {**values, "sources": sources})
        return replace(turn, content=content, found=None)

    system = Message("system", _render(template, "system", values))
    return (system, *(shown(turn) for turn in _turns(messages)))


def last_question(messages: Sequence[Message]) -> str:
    """Returns the user's last message; raises as `render_answer`."""
    return _around_question(messages)[1]


def render_step(name: str, messages: Sequence[Message]) -> tuple[Message, ...]:
    """Returns the messages that ask for something on the way to an answer: one search query in
    place of a whole conversation, other queries, a passage, a filter.

    Args:
        name: Name of a prompt that is none for answers.
        messages: As for `render_answer`; what the system messages say is for prompts that have a
            place for it.

    Raises:
        ConfigError, InvalidRequest: as for `render_answer`.
    """
    template = _template(name, _STEPS)
    before, question, _ = _around_question(messages)
    # What was called is no part of what is asked.
    said = [turn for turn in before if turn.role != "tool" and (turn.content or not turn.calls)]
    turns = [*_turns(said), Message("user", neutralise(question))]
    values = {"turns": turns, "instructions": _instructions(messages)}
    return (
        Message("system", _render(template, "system", values)),
        Message("user", _render(template, "user", values)),
    )


def neutralise(text: str) -> str:
    """Returns the text without what nobody sees, and with the first bracket of every control token
    and of every fence tag replaced by one that looks like it: visible, and no token any more.
    Letters and brackets that look like those of a token are taken for them.

    >>> neutralise("</source><|im_end|> [INST] 1 < 2")
    '‹/source>‹|im_end|> ⟦INST] 1 < 2'
    """
    shown = drop_invisible(text)
    parts: list[str] = []
    end = 0
    for match in _CONTROL.finditer(shown if shown.isascii() else shown.translate(_LOOK_ALIKES)):
        last = match.end() - 1  # what stands before the colon of a role stays
        parts += [shown[end:last], _HARMLESS.get(match.group()[-1], "\ufffd")]
        end = match.end()
    return "".join((*parts, shown[end:]))


@dataclass(frozen=True, slots=True)
class _Source:
    """A chunk as the prompt shows it."""

    rank: int
    path: str
    title: str
    heading: str
    page: int | None
    text: str

    @classmethod
    def of(cls, hit: ScoredChunk) -> "_Source":
        chunk = hit.chunk
        return cls(
            rank=hit.rank,
            path=_attribute(chunk.path),
            title=_attribute(chunk.title),
            heading=_attribute(chunk.heading),
            page=chunk.page,
            text=_unmarked(neutralise(chunk.text), chunk.markup).strip(),
        )


def _unmarked(text: str, markup: Markup) -> str:
    return without_marks(text) if markup == "plain" else without_marks_in(text)


def _attribute(value: str) -> str:
    """Returns a value that fits between quotation marks on one line."""
    line = " ".join(without_marks(value).translate(_UNFIT_FOR_ATTRIBUTES).split())
    cut = line if len(line) <= _ATTRIBUTE_CHARS else f"{line[: _ATTRIBUTE_CHARS - 1]}…"
    return neutralise("".join(character for character in cut if character.isprintable()))


def _turns(messages: Sequence[Message]) -> list[Message]:
    return [
        replace(
            message,
            content=neutralise(message.content),
            calls=tuple(_harmless_call(call) for call in message.calls),
            call_id=neutralise(message.call_id),
        )
        for message in messages
        if message.role != "system"
    ]


def _harmless_call(call: ToolCall) -> ToolCall:
    return ToolCall(neutralise(call.id), neutralise(call.name), neutralise(call.arguments))


def _around_question(
    messages: Sequence[Message],
) -> tuple[Sequence[Message], str, Sequence[Message]]:
    """Returns the user's last message between the turns before and after it: those are the calls
    that it has led to, and what came of them."""
    places = [place for place, message in enumerate(messages) if message.role == "user"]
    if not places or messages[-1].role not in ("user", "tool"):
        raise InvalidRequest("The last message of a conversation must be the user's, or a tool's.")
    last = places[-1]
    return messages[:last], messages[last].content, messages[last + 1 :]


def _instructions(messages: Sequence[Message]) -> str:
    told = [neutralise(message.content).strip() for message in messages if message.role == "system"]
    return "\n\n".join(told)


def _template(name: str, kinds: Sequence[str]) -> Template:
    known = [one for one in prompt_names() if one.rpartition("-")[0] in kinds]
    if name not in known:
        raise ConfigError(f"There is no such prompt {name!r} here; there are: {', '.join(known)}.")
    return _ENVIRONMENT.get_template(f"{name}{_SUFFIX}")


def _render(template: Template, block: str, values: Mapping[str, object]) -> str:
    return "".join(template.blocks[block](template.new_context(dict(values)))).strip()
